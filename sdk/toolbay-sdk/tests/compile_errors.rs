//! What the compiler says about each mistake that an author can make, word for word.

#[test]
fn mistakes_are_compile_errors_at_the_right_place() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
