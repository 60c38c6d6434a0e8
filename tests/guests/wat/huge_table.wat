;; Asks for a table of a hundred million elements before it does anything.
(module
  (memory (export "memory") 4)
  (table 100000000 funcref)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
