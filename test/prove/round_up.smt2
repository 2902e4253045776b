; fsk_round_up of lib/arena.h, (n + unit - 1) & ~(unit - 1), on the bits of a uint64_t: for every power of
; two and every n that leaves room for it the result is a multiple of unit, not below n, and less than
; unit above it.  unsat: there is no other case.
(set-logic QF_BV)
(declare-const n (_ BitVec 64))
(declare-const unit (_ BitVec 64))
(define-const less (_ BitVec 64) (bvsub unit #x0000000000000001))
(define-const result (_ BitVec 64) (bvand (bvadd n less) (bvnot less)))
(assert (not (= unit #x0000000000000000)))
(assert (= (bvand unit less) #x0000000000000000))
(assert (bvule n (bvsub #xffffffffffffffff less)))
(assert (not (and (bvule n result)
                  (bvult (bvsub result n) unit)
                  (= (bvand result less) #x0000000000000000))))
(check-sat)
