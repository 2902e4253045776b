module fastskip/bench

go 1.19

require (
	fastskip v0.0.0
	github.com/google/btree v1.0.0
)

replace fastskip => ../
