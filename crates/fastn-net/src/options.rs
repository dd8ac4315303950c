//! Types of options: a struct with defaults and `with_…` methods, and its numbers by name.

use std::time::Duration;

use crate::deadline::NEVER;

/// Declares each option once: its docs, field, method, type and default. The docs of a field end with its default.
macro_rules! options {
    (
        $(#[$attribute:meta])*
        pub struct $owner:ident {
            $($(#[$doc:meta])* pub $field:ident, $with:ident: $type:ty = $default:expr;)*
        }
    ) => {
        $(#[$attribute])*
        pub struct $owner {
            $(
                $(#[$doc])*
                #[doc = ""]
                #[doc = concat!("Default: `", stringify!($default), "`.")]
                pub $field: $type,
            )*
        }

        impl $owner {
            /// The defaults.
            pub const DEFAULT: Self = Self { $($field: $default,)* };

            $(
                #[doc = concat!("Sets [`", stringify!($owner), "::", stringify!($field), "`].")]
                #[must_use]
                pub const fn $with(mut self, value: $type) -> Self {
                    self.$field = value;
                    self
                }
            )*
        }

        impl Default for $owner {
            fn default() -> Self {
                Self::DEFAULT
            }
        }

        impl $crate::options::Fields for $owner {
            fn each(&mut self, visit: &mut dyn FnMut(&'static str, &mut dyn $crate::options::Field)) {
                $(visit(stringify!($field), &mut self.$field);)*
            }
        }
    };
}

pub(crate) use options;

/// The fields of an options type.
pub(crate) trait Fields {
    /// Calls `visit` with the name and value of each field.
    fn each(&mut self, visit: &mut dyn FnMut(&'static str, &mut dyn Field));
}

/// A field of an options type, which may be a number: a count, bytes, or a time in milliseconds.
pub(crate) trait Field {
    fn number(&self) -> Option<f64> {
        None
    }

    /// Clamps the number to the field's range. Returns false for a field that is not a number.
    fn set_number(&mut self, _number: f64) -> bool {
        false
    }
}

impl Field for bool {}
impl<T> Field for Option<T> {}

impl Field for Duration {
    fn number(&self) -> Option<f64> {
        Some(self.as_secs_f64() * 1000.0)
    }

    fn set_number(&mut self, number: f64) -> bool {
        *self = Self::try_from_secs_f64(number / 1000.0).map_or(NEVER, |time| time.min(NEVER));
        true
    }
}

impl Field for u32 {
    fn number(&self) -> Option<f64> {
        Some((*self).into())
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` clamps to the range")]
    fn set_number(&mut self, number: f64) -> bool {
        *self = number as Self;
        true
    }
}

impl Field for u64 {
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    fn number(&self) -> Option<f64> {
        Some(*self as f64)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` clamps to the range")]
    fn set_number(&mut self, number: f64) -> bool {
        *self = number as Self;
        true
    }
}

impl Field for usize {
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    fn number(&self) -> Option<f64> {
        Some(*self as f64)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` clamps to the range")]
    fn set_number(&mut self, number: f64) -> bool {
        *self = number as Self;
        true
    }
}
