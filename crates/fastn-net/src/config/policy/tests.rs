use std::time::{Duration, Instant};

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::json;

use super::*;
use crate::identity::SecretKey;

/// Protocols of the rules and streams in the property test.
fn protocols() -> Vec<Protocol> {
    let generic = |value| Protocol::Generic(value);
    vec![
        Protocol::Tcp,
        Protocol::Http,
        Protocol::RigControl,
        generic(json!("Echo")),
        generic(json!({ "fastn": "tcp" })),
        generic(json!({ "fastn": "udp" })),
        generic(json!({ "fastn": "tcp", "service": "db" })),
        generic(json!({ "fastn": "http", "service": "" })),
        generic(json!({ "fastn": "http", "service": "web" })),
        generic(json!({ "fastn": "rpc", "method": "add", "service": "web" })),
        generic(json!({ "fastn": "rpc", "method": "sub", "service": "db" })),
        generic(json!({ "fastn": 7, "service": "db" })),
    ]
}

fn effects() -> Vec<PolicyEffect> {
    let rate = Rate { per_second: 1, burst: 1 };
    vec![PolicyEffect::Allow, PolicyEffect::Deny, PolicyEffect::Ask, PolicyEffect::Limit(rate)]
}

fn peers() -> Vec<PublicKey> {
    (0..5u8).map(|byte| SecretKey::from_bytes(&[byte; 32]).expect("key").public()).collect()
}

fn rule() -> impl Strategy<Value = PolicyRule> {
    let service = select(vec!["", "db", "web", "none"]).prop_map(str::to_owned);
    let parts = (option::of(0..3usize), option::of(select(protocols())), option::weighted(0.4, service));
    (parts, select(effects())).prop_map(|((peers, protocol, service), effect)| {
        let has_services = protocol.as_ref().is_none_or(|protocol| protocol.service_kind().is_some());
        PolicyRule { peers, protocol, service: service.filter(|_| has_services), effect }
    })
}

fn rules() -> impl Strategy<Value = PolicyRules> {
    let sets = vec(vec(select(peers()), 0..4).prop_map(HashSet::from_iter), 3);
    (sets, vec(rule(), 0..12), select(effects())).prop_map(|(sets, rules, otherwise)| PolicyRules {
        sets,
        rules,
        otherwise,
    })
}

/// Whether a rule matches, according to its documentation.
fn matches(rules: &PolicyRules, rule: &PolicyRule, peer: &PublicKey, stream: &Protocol) -> bool {
    let by_peer = rule.peers.is_none_or(|set| rules.sets[set].contains(peer));
    let by_protocol = rule.protocol.as_ref().is_none_or(|protocol| match protocol.service_kind() {
        Some(kind) => stream.as_service().is_some_and(|(of, _)| of == kind),
        None => protocol == stream,
    });
    let by_service =
        rule.service.as_ref().is_none_or(|service| stream.as_service().is_some_and(|(_, name)| name == service));
    by_peer && by_protocol && by_service
}

proptest! {
    #[test]
    fn the_first_rule_that_matches_decides(rules in rules()) {
        let policy = Policy::new(rules.clone()).expect("rules");
        for peer in peers() {
            let mut uses_something = false;
            for stream in protocols() {
                let rule = rules.rules.iter().position(|rule| matches(&rules, rule, &peer, &stream));
                let effect = rule.map_or(rules.otherwise, |rule| rules.rules[rule].effect);
                prop_assert_eq!(policy.decide(&peer, &stream), PolicyDecision { rule, effect }, "{}", stream);
                uses_something |= effect != PolicyEffect::Deny;
            }
            prop_assert!(!uses_something || policy.admits(&peer));
        }
    }
}

#[test]
fn a_peer_connects_if_a_rule_before_one_for_all_admits_something() {
    let [friend, foe, stranger] = [(); 3].map(|()| SecretKey::generate().public());
    let of = |peers, protocol, effect| PolicyRule { peers, protocol, effect, ..PolicyRule::default() };
    let sets = vec![HashSet::from([friend]), HashSet::from([foe])];
    let policy = |rules, otherwise| Policy::new(PolicyRules { sets: sets.clone(), rules, otherwise }).expect("rules");
    let admits = |policy: Policy| [friend, foe, stranger].map(|peer| policy.admits(&peer));
    let (allow, deny) = (PolicyEffect::Allow, PolicyEffect::Deny);
    assert_eq!(admits(policy(vec![], deny)), [false; 3]);
    assert_eq!(admits(policy(vec![], allow)), [true; 3]);
    assert_eq!(admits(policy(vec![of(Some(0), Some(Protocol::Tcp), allow)], deny)), [true, false, false]);
    let closed = vec![of(Some(1), None, deny), of(None, Some(Protocol::Tcp), allow)];
    assert_eq!(admits(policy(closed, deny)), [true, false, true]);
    assert_eq!(admits(policy(vec![of(Some(1), None, deny)], allow)), [true, false, true]);
    assert_eq!(admits(policy(vec![of(None, None, deny), of(Some(0), None, allow)], allow)), [false; 3]);
}

#[test]
fn rules_that_no_stream_can_match_are_rejected() {
    let tcp = || Some(Protocol::Tcp);
    let long = "a".repeat(1100);
    let cases = [
        PolicyRule { peers: Some(1), ..PolicyRule::default() },
        PolicyRule { protocol: Some(Protocol::RigControl), service: Some("db".to_owned()), ..PolicyRule::default() },
        PolicyRule { protocol: tcp(), service: Some(long.clone()), ..PolicyRule::default() },
        PolicyRule { protocol: Some(Protocol::Generic(json!(long))), ..PolicyRule::default() },
        PolicyRule { protocol: Some(Protocol::Generic(json!({ "fastn": long }))), ..PolicyRule::default() },
    ];
    for case in cases {
        let rules = vec![PolicyRule::default(), case.clone()];
        let refused = Policy::new(PolicyRules { sets: vec![HashSet::new()], rules, ..PolicyRules::default() });
        let refused = refused.expect_err("refused");
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.to_string().contains("rule 1 of the policy"), "{case:?}: {refused}");
    }
}

#[test]
fn parts_that_no_rule_can_name_are_not_kept() {
    let long = "a".repeat(60_000);
    for value in [json!(long), json!({ "fastn": "tcp", "service": long }), json!({ "fastn": long })] {
        let protocol = Protocol::Generic(value);
        let subject = Subject::of(&protocol, protocol.key());
        assert!(subject.key.is_none() && subject.service.is_none());
    }
}

#[test]
fn ten_thousand_rules_take_at_most_2_us_a_stream() {
    const RULES: u32 = 10_000;
    let peers: Vec<PublicKey> = (0..RULES).map(|_| SecretKey::generate().public()).collect();
    let sets = peers.iter().map(|peer| HashSet::from([*peer])).collect();
    let rule = |at: usize| PolicyRule {
        peers: Some(at),
        protocol: Some(if at.is_multiple_of(2) { Protocol::Tcp } else { Protocol::Generic(json!(format!("P{at}"))) }),
        service: at.is_multiple_of(2).then(|| format!("service {at}")),
        effect: PolicyEffect::Allow,
    };
    let rules = (0..peers.len()).map(rule).collect();
    let policy = Policy::new(PolicyRules { sets, rules, ..PolicyRules::default() }).expect("rules");
    let stream = |at: usize| Protocol::service("tcp", Some(&format!("service {at}")));
    let streams: Vec<_> = (0..1000).map(|at| (peers[at * 9], stream(at * 9))).collect();
    // The key is made for routing, with or without a policy.
    let mut keys: Vec<Vec<_>> = vec![streams.iter().map(|(_, protocol)| protocol.key()).collect(); 50];
    let mut fastest = Duration::MAX;
    while let Some(keys) = keys.pop() {
        let began = Instant::now();
        let allowed = streams.iter().zip(keys).filter(|((peer, protocol), key)| {
            let subject = Subject::of(protocol, key.clone());
            policy.decide_subject(peer, &subject).effect == PolicyEffect::Allow
        });
        assert_eq!(allowed.count(), 500);
        fastest = fastest.min(began.elapsed());
    }
    // A thousand streams. The fastest of many runs: other programs share the machine.
    assert!(fastest <= Duration::from_millis(2), "{fastest:?} for 1000 streams");
}
