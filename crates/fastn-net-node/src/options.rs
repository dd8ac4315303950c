//! Conversion of the core's options: each a number, a text or a boolean, by its name.

use std::collections::{BTreeMap, HashMap};

use fastn_net::{
    Authorize, Code, Connect, Error, Limits, OpenOptions, OptionValue, Result,
    tunnel::{Allow, BridgeHttpOptions, BridgeOptions, ExposeHttpOptions, ExposeOptions},
};
use napi::bindgen_prelude::Either3;
use napi_derive::napi;

/// Name to value: a count, bytes, milliseconds, a text, or a boolean. Missing options keep the core's default.
pub(crate) type BindingOptions = HashMap<String, Either3<f64, String, bool>>;

/// Defaults of the core's numeric options, by the names of their type and their own.
#[napi(catch_unwind)]
pub fn option_defaults() -> BTreeMap<String, BTreeMap<String, f64>> {
    let open = vec![("timeout".to_owned(), OpenOptions::default().timeout.as_secs_f64() * 1000.0)];
    let types = [
        ("limits", Limits::default().numbers()),
        ("connect", Connect::default().numbers()),
        ("authorize", Authorize::default().numbers()),
        ("open", open),
        ("expose", ExposeOptions::new(Allow::Public).numbers()),
        ("exposeHttp", ExposeHttpOptions::new(Allow::Public).numbers()),
        ("bridge", BridgeOptions::default().numbers()),
        ("bridgeHttp", BridgeHttpOptions::default().numbers()),
    ];
    types.into_iter().map(|(name, numbers)| (name.to_owned(), numbers.into_iter().collect())).collect()
}

/// Converts an option's value for JavaScript.
pub(crate) fn value_to_js(value: OptionValue<'_>) -> Either3<f64, String, bool> {
    match value {
        OptionValue::Number(number) => Either3::A(number),
        OptionValue::Text(text) => Either3::B(text.to_owned()),
        OptionValue::Flag(flag) => Either3::C(flag),
    }
}

/// Sets each option with `set`, which returns false for an unknown name.
pub(crate) fn set_options(options: &BindingOptions, mut set: impl FnMut(&str, OptionValue<'_>) -> bool) -> Result<()> {
    let unknown = options.iter().find(|(name, value)| {
        let value = match value {
            Either3::A(number) => OptionValue::Number(*number),
            Either3::B(text) => OptionValue::Text(text),
            Either3::C(flag) => OptionValue::Flag(*flag),
        };
        !set(name, value)
    });
    match unknown {
        Some((name, _)) => Err(Error::new(Code::InvalidArgument, format!("there is no option {name}"))),
        None => Ok(()),
    }
}
