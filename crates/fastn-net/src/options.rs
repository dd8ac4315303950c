//! Types of options: a struct with defaults and `with_…` methods, and its fields by name.

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

        $crate::options::by_name! { $owner: $($field)* }
    };
}

pub(crate) use options;

/// Declares `set` and `numbers` of an options type, for the fields that can be set by name.
macro_rules! by_name {
    ($owner:ident: $($field:ident)*) => {
        impl $crate::options::Fields for $owner {
            fn each(&mut self, visit: &mut dyn FnMut(&'static str, &mut dyn $crate::options::Field)) {
                $(visit(stringify!($field), &mut self.$field);)*
            }
        }

        impl $owner {
            /// Sets the field with this name, in camel case as in JavaScript: to a count, bytes, milliseconds, a text, or a boolean. Clamps a
            /// number to the range of the field. Returns false if no field for such a value has this name.
            pub fn set<'a>(&mut self, name: &str, value: impl Into<$crate::options::OptionValue<'a>>) -> bool {
                $crate::options::set(self, name, value.into())
            }

            /// Name and value of each field that is a number, as `set` takes them.
            #[must_use]
            pub fn numbers(mut self) -> Vec<(String, f64)> {
                $crate::options::numbers(&mut self)
            }
        }
    };
}

pub(crate) use by_name;

/// The value of a field that is set or read by its name.
#[derive(Clone, Copy, Debug)]
pub enum OptionValue<'a> {
    /// A count, bytes, or milliseconds.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// A boolean.
    Flag(bool),
}

impl From<f64> for OptionValue<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for OptionValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for OptionValue<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'a> From<&'a String> for OptionValue<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<&bool> for OptionValue<'_> {
    fn from(flag: &bool) -> Self {
        Self::Flag(*flag)
    }
}

impl From<&Duration> for OptionValue<'_> {
    fn from(time: &Duration) -> Self {
        Self::Number(time.as_secs_f64() * 1000.0)
    }
}

impl From<&u64> for OptionValue<'_> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn from(count: &u64) -> Self {
        Self::Number(*count as f64)
    }
}

/// The fields of an options type.
pub(crate) trait Fields {
    /// Calls `visit` with the name and value of each field.
    fn each(&mut self, visit: &mut dyn FnMut(&'static str, &mut dyn Field));
}

/// Sets the field with this name, in camel case. Returns false if there is none of the value's type.
pub(crate) fn set(options: &mut impl Fields, name: &str, value: OptionValue<'_>) -> bool {
    let mut is_set = false;
    options.each(&mut |field, to| {
        is_set |= camel_case(field) == name
            && match value {
                OptionValue::Number(number) => to.set_number(number),
                OptionValue::Text(text) => to.set_text(text),
                OptionValue::Flag(flag) => to.set_flag(flag),
            };
    });
    is_set
}

/// Name, in camel case, and value of each field that is a number.
pub(crate) fn numbers(options: &mut impl Fields) -> Vec<(String, f64)> {
    let mut numbers = Vec::new();
    options.each(&mut |field, value| numbers.extend(value.number().map(|number| (camel_case(field), number))));
    numbers
}

fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        name.push_str(&initial.to_ascii_uppercase());
        name.push_str(rest);
        name
    })
}

/// A field of an options type, which may be a number (a count, bytes, or a time in milliseconds), a text, or a boolean.
pub(crate) trait Field {
    fn number(&self) -> Option<f64> {
        None
    }

    /// Clamps the number to the field's range. Returns false for a field that is not a number.
    fn set_number(&mut self, _number: f64) -> bool {
        false
    }

    /// Returns false for a field that is not a text.
    fn set_text(&mut self, _text: &str) -> bool {
        false
    }

    /// Returns false for a field that is not a boolean.
    fn set_flag(&mut self, _flag: bool) -> bool {
        false
    }
}

impl Field for bool {
    fn set_flag(&mut self, flag: bool) -> bool {
        *self = flag;
        true
    }
}

impl Field for Option<String> {
    fn set_text(&mut self, text: &str) -> bool {
        *self = Some(text.to_owned());
        true
    }
}

impl Field for Option<u32> {
    fn number(&self) -> Option<f64> {
        self.map(f64::from)
    }

    fn set_number(&mut self, number: f64) -> bool {
        self.insert(0).set_number(number)
    }
}

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
