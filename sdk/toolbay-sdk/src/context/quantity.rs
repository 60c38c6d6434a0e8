//! Numbers of any type as what progress is counted in.

/// A number that progress can be counted in: any whole or broken one.
///
/// ```
/// use toolbay_sdk::Quantity;
/// assert_eq!(7_usize.quantity(), 7.0);
/// ```
pub trait Quantity {
    /// The number.
    fn quantity(self) -> f64;
}

/// How much there is in all: a number, or `None` where that is not known.
///
/// ```
/// use toolbay_sdk::Total;
/// assert_eq!(7.total(), Some(7.0));
/// assert_eq!(None.total(), None);
/// ```
pub trait Total {
    /// The number, if there is one.
    fn total(self) -> Option<f64>;
}

// With one implementation for options and no other, a bare `None` needs no type.
impl Total for Option<f64> {
    fn total(self) -> Option<f64> {
        self
    }
}

macro_rules! quantities {
    ($($number:ty),*) => {$(
        impl Quantity for $number {
            #[expect(clippy::allow_attributes, reason = "only some of the types lose anything")]
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, trivial_numeric_casts, reason = "progress beyond 2^53 is still progress")]
            fn quantity(self) -> f64 {
                self as f64
            }
        }

        impl Total for $number {
            fn total(self) -> Option<f64> {
                Some(self.quantity())
            }
        }
    )*};
}

quantities!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64);
