//! Log filters, such as `warn,fastn_net=trace`.

use fastn_net::{Code, Error, Result};
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::filter::Targets;

/// Levels by target prefix. The longest matching prefix decides. A level without a target applies to all other targets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter(Targets);

impl Filter {
    /// Parses a filter. Every part must be valid.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`, with a message that names the first invalid part.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (filter, errors) = Self::parse_lossy(text);
        errors.into_iter().next().map_or(Ok(filter), Err)
    }

    /// Parses the valid parts, and returns the invalid ones.
    #[must_use]
    pub(crate) fn parse_lossy(text: &str) -> (Self, Vec<Error>) {
        let mut targets = Targets::new();
        let mut errors = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match read(part) {
                Some(read) => {
                    targets = match read.default_level() {
                        Some(level) => targets.with_default(level),
                        None => targets.with_targets(read.iter()),
                    }
                }
                None => errors.push(unreadable(part)),
            }
        }
        (Self(targets), errors)
    }

    pub(crate) fn passes(&self, metadata: &Metadata<'_>) -> bool {
        self.0.would_enable(metadata.target(), metadata.level())
    }

    /// The most verbose level of any target.
    pub(crate) fn max_level(&self) -> LevelFilter {
        let default = self.0.default_level().unwrap_or(LevelFilter::OFF);
        self.0.iter().map(|(_, level)| level).fold(default, LevelFilter::max)
    }

    pub(crate) fn into_targets(self) -> Targets {
        self.0
    }
}

/// One part. Spans and fields (`target[span{field}]=level`) are another syntax: matching them needs a regex engine.
fn read(part: &str) -> Option<Targets> {
    if part.contains(['[', '{', ' ']) || part.starts_with('=') {
        return None;
    }
    part.parse().ok()
}

fn unreadable(part: &str) -> Error {
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    let levels = levels.map(|level| level.as_str().to_lowercase()).join(", ");
    let text = format!(
        "the part {part:?} of the log filter cannot be read: write target=level, or a level alone ({levels}, off), parts \
         with a comma between them"
    );
    Error::new(Code::InvalidArgument, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_decides() {
        let filter = Filter::parse(" warn, fastn_net=debug,fastn_net::stream=off ,iroh").unwrap().0;
        assert!(filter.would_enable("noq", &Level::WARN));
        assert!(!filter.would_enable("noq", &Level::INFO));
        assert!(filter.would_enable("fastn_net::peer", &Level::DEBUG));
        assert!(!filter.would_enable("fastn_net::peer", &Level::TRACE));
        assert!(!filter.would_enable("fastn_net::stream", &Level::ERROR));
        assert!(filter.would_enable("iroh::socket", &Level::TRACE));
    }

    #[test]
    fn an_invalid_part_is_named_and_the_others_apply() {
        for bad in ["fastn_net=loud", "a=b=c", "=info", "fastn_net[span]=info", "f[{x}]=info", "not one"] {
            let (filter, errors) = Filter::parse_lossy(&format!("warn,{bad},iroh=info"));
            assert_eq!(errors.len(), 1, "{bad}");
            assert_eq!(errors[0].code(), Code::InvalidArgument);
            assert!(errors[0].message().contains(&format!("{bad:?}")), "{}", errors[0].message());
            assert!(filter.0.would_enable("iroh", &Level::INFO));
            assert!(filter.0.would_enable("noq", &Level::WARN));
            assert!(Filter::parse(bad).is_err());
        }
    }

    #[test]
    fn an_empty_filter_and_off_pass_no_event() {
        for text in ["", " , ", "off", "fastn_net=off"] {
            assert_eq!(Filter::parse(text).unwrap().max_level(), LevelFilter::OFF, "{text}");
        }
        assert_ne!(Filter::parse("off,fastn_net=error").unwrap().max_level(), LevelFilter::OFF);
    }
}
