//! Types of options: a struct with defaults and `with_…` methods.

/// Declares each option once: its docs, field, method, type and default.
macro_rules! options {
    (
        $(#[$attribute:meta])*
        pub struct $owner:ident {
            $($(#[$doc:meta])* pub $field:ident, $with:ident: $type:ty = $default:expr;)*
        }
    ) => {
        $(#[$attribute])*
        pub struct $owner {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $owner {
            const DEFAULT: Self = Self { $($field: $default,)* };

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
    };
}

pub(crate) use options;
