;; Sets a key of its plugin's state if it has no value yet. Gives back as an error which it was: `not-found` the first time, `conflict` after that, and
;; `internal` where it was refused.
(module
  (import "toolbay:plugin/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "toolbay:plugin/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 4)
  (data (i32.const 1024) "key")
  (data (i32.const 1040) "there was none")
  (data (i32.const 1072) "there was one")
  (data (i32.const 1104) "refused")
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (i32.const 4096))))
  ;; A result at 0: `err` with this code and text. All else is zero, which means none.
  (func $fail (param $code i32) (param $text i32) (param $length i32)
    (i32.store8 (i32.const 0) (i32.const 1))
    (i32.store8 (i32.const 8) (local.get $code))
    (i32.store (i32.const 12) (local.get $text))
    (i32.store (i32.const 16) (local.get $length)))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32)
    ;; What it is told stands at 512: whether it is an error, then whether there is a value.
    (call $get (i32.const 1024) (i32.const 3) (i32.const 512))
    (if (i32.load8_u (i32.const 512))
      (then (call $fail (i32.const 10) (i32.const 1104) (i32.const 7)))
      (else
        (if (i32.load8_u (i32.const 516))
          (then (call $fail (i32.const 6) (i32.const 1072) (i32.const 13)))
          (else
            (call $set (i32.const 1024) (i32.const 3) (i32.const 1024) (i32.const 3) (i32.const 768))
            (if (i32.load8_u (i32.const 768))
              (then (call $fail (i32.const 10) (i32.const 1104) (i32.const 7)))
              (else (call $fail (i32.const 1) (i32.const 1040) (i32.const 14))))))))
    (i32.const 0)))
