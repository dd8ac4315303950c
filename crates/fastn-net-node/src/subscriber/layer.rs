//! The subscriber of the process: prints to stderr as configured by the environment, and feeds every listener.

use std::{fmt, sync::OnceLock};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter as LayerFilter, SubscriberExt},
    registry::{LookupSpan, Registry},
};

use fastn_net::printable;

use super::{
    filter::Filter,
    sinks::{self, Record},
    stderr::one_line,
};

static INSTALLED: OnceLock<bool> = OnceLock::new();

/// Installs the subscriber of the process. Later calls are no-ops. Prints events that pass `stderr` to standard error. Returns false
/// if another subscriber is installed already: it stays, and receives all events.
pub(crate) fn install(stderr: Filter) -> bool {
    *INSTALLED.get_or_init(|| {
        // An exited thread or a closed pipe needs no further log output.
        let print = tracing_subscriber::fmt::layer().with_ansi(false).log_internal_errors(false);
        let print = print.with_writer(one_line).with_filter(stderr.into_targets());
        let subscriber = Registry::default().with(print).with(Listeners.with_filter(Wanted));
        tracing::subscriber::set_global_default(subscriber).is_ok()
    })
}

/// Whether any listener wants an event. Depends only on its metadata, so tracing caches the answer until the listeners change.
struct Wanted;

impl<S> LayerFilter<S> for Wanted {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        sinks::is_wanted(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if sinks::wanted_by(metadata).is_empty() { Interest::never() } else { Interest::always() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(sinks::max_level())
    }
}

/// Turns events into records, with the fields of the spans around them.
struct Listeners;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listeners {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let mut more = Fields::default();
        values.record(&mut more);
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            fields.values.extend(more.values);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let sinks = sinks::wanted_by(metadata);
        if sinks.is_empty() {
            return;
        }
        let mut own = Fields::default();
        event.record(&mut own);
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(around) = span.extensions().get::<Fields>() {
                fields.extend(around.values.clone());
            }
        }
        fields.extend(own.values);
        let target = metadata.target().to_owned();
        let text = Record { level: level(*metadata.level()), target, message: own.message, fields }.encode();
        for sink in sinks {
            sink.queue.push(text.clone());
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// Fields of an event or a span, as JSON. Integers beyond 2^53 and non-finite numbers become strings.
#[derive(Default)]
struct Fields {
    message: String,
    values: Map<String, Value>,
}

const SAFE: u64 = 1 << 53;

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.values.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if value < SAFE { self.insert(field, value) } else { self.insert(field, value.to_string()) }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if value.unsigned_abs() < SAFE { self.insert(field, value) } else { self.insert(field, value.to_string()) }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() { self.insert(field, value) } else { self.insert(field, value.to_string()) }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // Escaped for a terminal: a peer's text must not move the cursor.
        let value = printable(value);
        if field.name() == "message" { self.message = value.into_owned() } else { self.insert(field, value) }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
