module fastskip

go 1.19
