use std::{fmt, path::Path};

use super::{Found, Key, failed, file};
use crate::{
    error::Result,
    identity::{PublicKey, SecretKey},
};

/// Environment variables that may hold keys, `None` for each unset one. The embedding program passes them in, because it may
/// have an environment of its own.
#[derive(Clone, Default)]
pub struct Environment {
    /// `FASTN_SECRET_KEY`: the one key of a program, 64 hex digits.
    pub secret_key: Option<String>,
    /// `FASTN_SECRET_KEYS`: lines `prefix: hex`. Empty lines and lines that begin with `#` are ignored. A prefix is the beginning of the
    /// key's ID52, or a name.
    pub secret_keys: Option<String>,
    /// `FASTN_SECRET_KEYS_FILE`: the path of a file with such lines.
    pub secret_keys_file: Option<String>,
}

impl Environment {
    /// The key in `FASTN_SECRET_KEY`.
    pub(super) fn one(&self) -> Result<Option<Found>> {
        let Some(text) = &self.secret_key else { return Ok(None) };
        let secret = parse(text, "FASTN_SECRET_KEY")?;
        Ok(Some(Found { key: Key::Secret(secret), place: "FASTN_SECRET_KEY".into() }))
    }

    /// The key in the line with the prefix `name`.
    pub(super) fn named(&self, name: &str) -> Result<Option<Found>> {
        let lines = self.lines()?;
        lines.iter().find(|line| line.prefix == name).map(Line::found).transpose()
    }

    /// The secret of `public`, in the line with a prefix of its ID52.
    pub(super) fn of(&self, public: &PublicKey) -> Result<Option<Found>> {
        let id52 = public.to_string();
        let mut lines = self.lines()?;
        lines.retain(|line| id52.starts_with(&line.prefix.to_ascii_lowercase()));
        let line = match &lines[..] {
            [] => return Ok(None),
            [line] => line,
            [first, second, ..] => {
                return Err(failed(format!(
                    "{} and {} both stand for {id52}: remove one, or make its prefix longer",
                    first.place, second.place
                )));
            }
        };
        let secret = line.secret()?;
        if secret.public() != *public {
            return Err(failed(format!(
                "{} has the prefix {:?} of {id52}, but holds the key of {}: correct the key, or make the prefix longer",
                line.place,
                line.prefix,
                secret.public()
            )));
        }
        line.found().map(Some)
    }

    fn lines(&self) -> Result<Vec<Line>> {
        match (&self.secret_keys, &self.secret_keys_file) {
            (None, None) => Ok(Vec::new()),
            (Some(text), None) => split(text, "FASTN_SECRET_KEYS"),
            (None, Some(path)) => {
                let place = format!("FASTN_SECRET_KEYS_FILE ({path})");
                match file::read_text(Path::new(path))? {
                    Some(text) => split(&text, &place),
                    None => Err(failed(format!("{place} names a file that is not there: correct or unset it"))),
                }
            }
            (Some(_), Some(_)) => {
                Err(failed("FASTN_SECRET_KEYS and FASTN_SECRET_KEYS_FILE are both set, and only one may be: unset one"))
            }
        }
    }
}

/// Shows which variables are set, never their values.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("secret_key", &self.secret_key.is_some())
            .field("secret_keys", &self.secret_keys.is_some())
            .field("secret_keys_file", &self.secret_keys_file)
            .finish()
    }
}

/// One line `prefix: hex`. Its key is parsed only if the prefix matches: lines for other programs are ignored.
struct Line {
    place: String,
    prefix: String,
    hex: String,
}

impl Line {
    fn secret(&self) -> Result<SecretKey> {
        parse(&self.hex, &self.place)
    }

    fn found(&self) -> Result<Found> {
        Ok(Found { key: Key::Secret(self.secret()?), place: self.place.clone() })
    }
}

fn split(text: &str, source: &str) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let place = format!("{source}, line {}", index + 1);
        // The line itself is not shown: it may be a bare secret.
        let (prefix, hex) = match text.split_once(':') {
            Some((prefix, hex)) if !prefix.trim_end().is_empty() => (prefix.trim_end(), hex.trim_start()),
            Some(_) => return Err(failed(format!("{place} has nothing before its colon: write `prefix: hex`"))),
            None => return Err(failed(format!("{place} has no colon: write `prefix: hex`"))),
        };
        if let Some(first) = lines.iter().find(|line| line.prefix == prefix) {
            return Err(failed(format!("{place} repeats the prefix of {}: remove one of them", first.place)));
        }
        lines.push(Line { place, prefix: prefix.into(), hex: hex.into() });
    }
    Ok(lines)
}

fn parse(text: &str, place: &str) -> Result<SecretKey> {
    SecretKey::from_hex(text.trim()).map_err(|error| {
        failed(format!("{place} does not hold what it should ({}): correct it, or take it out", error.message()))
            .with_source(error)
    })
}
