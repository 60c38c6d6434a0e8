;; Well-behaved: answers with one block of text. It shows that what is wrong with the others is not how they are put together.
(module
  (memory (export "memory") 4)
  (data (i32.const 1024) "hello from hand-written code")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32)
    ;; A result at 0: `ok`, whose content is one block at 256, a text of 28 bytes at 1024. All else is zero, which means none.
    (i32.store (i32.const 8) (i32.const 256))
    (i32.store (i32.const 12) (i32.const 1))
    (i32.store (i32.const 264) (i32.const 1024))
    (i32.store (i32.const 268) (i32.const 28))
    (i32.const 0)))
