//! Fuzzes the parsers: changes inputs at random, and checks properties that hold for any bytes. Brief in every test run, longer with `npm
//! run fuzz`.

use std::time::{Duration, Instant};

use proptest::{
    collection,
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};

mod properties;

/// Seconds for all properties. `npm run fuzz` sets it.
const SECONDS: &str = "FASTN_NET_FUZZ_SECONDS";

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Repeat(Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let byte = || prop_oneof![any::<u8>(), Just(b'.'), Just(b':'), Just(b'0'), Just(b'\n'), Just(b'"'), Just(0)];
    let edit = prop_oneof![
        (any::<Index>(), byte()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        (any::<Index>(), byte()).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        any::<Index>().prop_map(Edit::Remove),
        any::<Index>().prop_map(Edit::Cut),
        any::<Index>().prop_map(Edit::Repeat),
    ];
    collection::vec(edit, 0..6)
}

fn edited(seed: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for edit in edits {
        let length = bytes.len();
        match edit {
            Edit::Insert(at, byte) => bytes.insert(at.index(length + 1), byte),
            _ if length == 0 => {}
            Edit::Replace(at, byte) => bytes[at.index(length)] = byte,
            Edit::Remove(at) => drop(bytes.remove(at.index(length))),
            Edit::Cut(at) => bytes.truncate(at.index(length)),
            Edit::Repeat(at) => bytes.extend_from_within(at.index(length)..),
        }
    }
    bytes
}

#[test]
fn no_bytes_break_a_parser() {
    let seconds = std::env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    let each = Duration::from_secs_f64(seconds) / u32::try_from(properties::ALL.len()).expect("a few");
    for (name, property, seeds) in properties::ALL {
        let (started, mut rounds) = (Instant::now(), 0);
        while rounds == 0 || started.elapsed() < each {
            let config = Config { failure_persistence: None, ..Config::with_cases(1_000) };
            let near = (any::<Index>(), edits()).prop_map(|(seed, edits)| edited(seed.get::<&[u8]>(seeds), edits));
            let inputs = prop_oneof![9 => near, 1 => collection::vec(any::<u8>(), 0..400)];
            let ran = TestRunner::new(config).run(&inputs, |bytes| {
                property(&bytes);
                Ok(())
            });
            ran.unwrap_or_else(|error| panic!("{name}: {error}"));
            rounds += 1;
        }
        println!("{name}: {rounds},000 inputs");
    }
}
