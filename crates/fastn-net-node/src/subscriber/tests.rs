//! The subscriber, as a program uses it. One test, because a process has one subscriber.

use std::task::{Context, Poll, Waker};

use serde_json::Value;
use tracing::{debug, debug_span, info, level_filters::LevelFilter, warn};

use super::{Filter, Records, install};

fn listen(filter: &str) -> Records {
    Records::new(Filter::parse(filter).unwrap(), 1_000_000).unwrap()
}

fn take(records: &Records) -> Vec<Value> {
    match records.poll_take(&mut Context::from_waker(Waker::noop()), 1000) {
        Poll::Ready(text) => serde_json::from_str(&text).unwrap(),
        Poll::Pending => Vec::new(),
    }
}

fn speak() {
    let span = debug_span!(target: "fastn_net::test", "around", peer = "somebody", count = 1);
    let _entered = span.enter();
    info!(target: "fastn_net::test", count = 2, large = u64::MAX, yes = true, share = 0.5, "told");
    debug!(target: "fastn_net::test", thing = ?Some(1), "more");
    warn!(target: "elsewhere", "other");
}

#[test]
fn listeners_come_and_go_and_without_one_the_level_is_off() {
    assert!(install(Filter::default()));
    // Every event checks this level first. Nothing else happens while it is off.
    assert_eq!(LevelFilter::current(), LevelFilter::OFF);
    speak();

    let all = listen("fastn_net=debug");
    assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
    let some = listen("warn");
    speak();
    let told = take(&all);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["level"], "info");
    assert_eq!(told[0]["target"], "fastn_net::test");
    assert_eq!(told[0]["message"], "told");
    let fields = serde_json::json!({
        "peer": "somebody", "count": 2, "large": u64::MAX.to_string(), "yes": true, "share": 0.5
    });
    assert_eq!(told[0]["fields"], fields);
    assert_eq!(told[1]["fields"]["thing"], "Some(1)");
    assert!(told[0]["time"].as_f64().unwrap() > 1.7e12);
    assert_eq!(take(&some).len(), 1);
    assert_eq!(take(&all), Vec::<Value>::new());

    drop(all);
    assert_eq!(LevelFilter::current(), LevelFilter::WARN);
    speak();
    assert_eq!(take(&some).len(), 1);
    drop(some);
    assert_eq!(LevelFilter::current(), LevelFilter::OFF);
}
