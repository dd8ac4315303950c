//! The `with_…` methods of option types.

/// Generates a chainable method for each field.
macro_rules! setters {
    ($owner:ident; $($field:ident, $with:ident: $type:ty;)*) => {
        impl $owner {
            $(
                #[doc = concat!("Sets [`", stringify!($owner), "::", stringify!($field), "`].")]
                #[must_use]
                pub const fn $with(mut self, value: $type) -> Self {
                    self.$field = value;
                    self
                }
            )*
        }
    };
}

pub(crate) use setters;
