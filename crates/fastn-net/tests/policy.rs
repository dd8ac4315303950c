//! The policy of an endpoint: the streams that it admits, and the effects of a change.

mod support;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use fastn_net::{
    AccessDecision, Authorize, Code, Config, Endpoint, Policy, PolicyEffect, PolicyRule, PolicyRules, Protocol,
    PublicKey, Rate, SecretKey,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName},
    wire::codes::{close as codes, reset},
};
use support::{
    GENEROUS, USUAL, close, config, echo, endpoint, exchange, generic, incoming, introduce, limits, open, pair,
    read_to_end, soon, write_all,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A revoked stream ends within this time.
const GONE: Duration = Duration::from_millis(100);

/// Rules for one peer: the protocols with their effects.
fn rules(peer: PublicKey, rules: &[(&Protocol, PolicyEffect)]) -> Policy {
    let rule = |(protocol, effect): &(&Protocol, PolicyEffect)| PolicyRule {
        peers: Some(0),
        protocol: Some((*protocol).clone()),
        effect: *effect,
        ..PolicyRule::default()
    };
    let rules = rules.iter().map(rule).collect();
    let sets = vec![HashSet::from([peer])];
    Policy::new(PolicyRules { sets, rules, otherwise: PolicyEffect::Deny }).expect("rules")
}

/// The rule that decides about a stream of the client.
fn rule_of(server: &Endpoint, client: &Endpoint, protocol: &Protocol) -> Option<usize> {
    let decision = server.explain(&client.id(), protocol);
    let AccessDecision::Policy(decision) = decision else { panic!("{decision:?}") };
    decision.rule
}

fn nothing() -> Policy {
    Policy::new(PolicyRules::default()).expect("rules")
}

#[tokio::test]
async fn a_stream_that_no_rule_allows_is_refused_and_others_are_served() {
    let (client, server) = pair().await;
    let (chat, secret) = (generic("Chat"), generic("Secret"));
    let _served = echo(&server, &[chat.clone(), secret.clone()]);
    server.set_policy(Some(rules(client.id(), &[(&chat, PolicyEffect::Allow)])));
    let stream = open(&client, &server, &chat, USUAL).await.expect("allowed");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    let refused = open(&client, &server, &secret, USUAL).await.expect_err("denied");
    assert_eq!(refused.code(), Code::Unauthorized);
    assert!(refused.to_string().contains("'Secret'"), "{refused}");
    assert_eq!((rule_of(&server, &client, &chat), rule_of(&server, &client, &secret)), (Some(0), None));
    server.set_policy(None);
    assert_eq!(server.explain(&client.id(), &chat), AccessDecision::NoPolicy);
    let stream = open(&client, &server, &secret, USUAL).await.expect("no policy");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_peer_that_may_use_nothing_is_disconnected_and_cannot_connect() {
    let (client, server) = pair().await;
    let chat = generic("Chat");
    let _served = echo(&server, std::slice::from_ref(&chat));
    let mut stream = open(&client, &server, &chat, USUAL).await.expect("stream");
    let connection = stream.connection().clone();
    server.set_policy(Some(nothing()));
    assert_eq!(soon(connection.closed()).await.code, codes::UNAUTHORIZED);
    assert_eq!(read_to_end(&mut stream).await.expect_err("ended").code(), Code::Unauthorized);
    let refused = open(&client, &server, &chat, USUAL).await.expect_err("denied");
    assert_eq!(refused.code(), Code::Unauthorized);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_revoked_stream_ends_at_both_sides_and_other_streams_continue() {
    let (client, server) = pair().await;
    let (chat, secret) = (generic("Chat"), generic("Secret"));
    let listener = server.listen(None, &[chat.clone(), secret.clone()], false).expect("listen");
    let both = [(&chat, PolicyEffect::Allow), (&secret, PolicyEffect::Allow)];
    server.set_policy(Some(rules(client.id(), &both)));
    let mut kept = open(&client, &server, &chat, USUAL).await.expect("chat");
    let mut kept_there = incoming(&listener).await.stream;
    let mut cut = open(&client, &server, &secret, USUAL).await.expect("secret");
    let mut cut_there = incoming(&listener).await.stream;
    // The reader waits when the policy changes.
    let reader = tokio::spawn(async move {
        let mut byte = [0];
        let failed = cut_there.read(&mut byte).await.expect_err("revoked");
        (failed.code(), Instant::now())
    });
    let began = Instant::now();
    server.set_policy(Some(rules(client.id(), &both[..1])));
    let (code, at) = soon(reader).await.expect("reader");
    assert_eq!(code, Code::Unauthorized);
    let reset_there = read_to_end(&mut cut).await.expect_err("reset");
    assert_eq!((reset_there.code(), reset_there.error_code()), (Code::StreamReset, Some(reset::REVOKED)));
    assert!(at - began < GONE && began.elapsed() < GONE, "{:?}, {:?}", at - began, began.elapsed());
    write_all(&mut kept, b"still here").await.expect("write");
    kept.finish();
    assert_eq!(read_to_end(&mut kept_there).await.expect("read"), b"still here");
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_queued_stream_that_is_revoked_reaches_no_listener() {
    let (client, server) = pair().await;
    let (chat, secret) = (generic("Chat"), generic("Secret"));
    let listener = server.listen(None, &[chat.clone(), secret.clone()], false).expect("listen");
    let both = [(&chat, PolicyEffect::Allow), (&secret, PolicyEffect::Allow)];
    server.set_policy(Some(rules(client.id(), &both)));
    let mut cut = open(&client, &server, &secret, USUAL).await.expect("secret");
    let _kept = open(&client, &server, &chat, USUAL).await.expect("chat");
    server.set_policy(Some(rules(client.id(), &both[..1])));
    assert_eq!(incoming(&listener).await.route, Some(0));
    read_to_end(&mut cut).await.expect_err("reset");
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn the_first_policy_judges_what_is_queued_and_later_ones_revoke_it() {
    let (client, server) = pair().await;
    let (chat, secret) = (generic("Chat"), generic("Secret"));
    let listener = server.listen(None, &[chat.clone(), secret.clone()], false).expect("listen");
    let mut cut = open(&client, &server, &secret, USUAL).await.expect("secret");
    let mut kept = open(&client, &server, &chat, USUAL).await.expect("chat");
    server.set_policy(Some(rules(client.id(), &[(&chat, PolicyEffect::Allow), (&secret, PolicyEffect::Deny)])));
    let mut there = incoming(&listener).await;
    assert_eq!(there.route, Some(0));
    read_to_end(&mut cut).await.expect_err("reset");
    server.set_policy(Some(rules(client.id(), &[(&secret, PolicyEffect::Allow)])));
    assert_eq!(read_to_end(&mut there.stream).await.expect_err("revoked").code(), Code::Unauthorized);
    assert_eq!(read_to_end(&mut kept).await.expect_err("reset").error_code(), Some(reset::REVOKED));
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn an_idle_stream_fails_with_its_next_call() {
    let (client, server) = pair().await;
    let (chat, secret) = (generic("Chat"), generic("Secret"));
    let listener = server.listen(None, std::slice::from_ref(&secret), false).expect("listen");
    let both = [(&chat, PolicyEffect::Allow), (&secret, PolicyEffect::Allow)];
    server.set_policy(Some(rules(client.id(), &both)));
    let mut cut = open(&client, &server, &secret, USUAL).await.expect("secret");
    let mut there = incoming(&listener).await.stream;
    server.set_policy(Some(rules(client.id(), &both[..1])));
    assert!(there.is_revoked());
    assert_eq!(write_all(&mut there, b"late").await.expect_err("revoked").code(), Code::Unauthorized);
    assert!(!there.is_revoked());
    assert_eq!(read_to_end(&mut cut).await.expect_err("reset").error_code(), Some(reset::REVOKED));
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_revoked_tunnel_ends_its_connections_and_another_service_continues() {
    let (client, server) = pair().await;
    let target = TcpListener::bind("127.0.0.1:0").await.expect("target");
    let name = target.local_addr().expect("address").to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = target.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = socket.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let service = |name: &str| ExposeOptions::new(Allow::Public).with_service(name);
    let _db = server.expose_tcp(name.parse().expect("target"), service("db")).expect("expose");
    let _web = server.expose_tcp(name.parse().expect("target"), service("web")).expect("expose");
    let of = |name: &str| Protocol::service("tcp", Some(name));
    let (db, web) = (of("db"), of("web"));
    let policy = |services: &[&str]| {
        let rule = |name: &&str| PolicyRule {
            service: Some((*name).to_owned()),
            effect: PolicyEffect::Allow,
            ..PolicyRule::default()
        };
        let rules = services.iter().map(rule).collect();
        Some(Policy::new(PolicyRules { rules, ..PolicyRules::default() }).expect("rules"))
    };
    server.set_policy(policy(&["db", "web"]));
    assert!([&db, &web].iter().all(|it| rule_of(&server, &client, it).is_some()));
    let mut sockets = Vec::new();
    let mut bridges = Vec::new();
    for name in ["db", "web"] {
        let options = BridgeOptions::default().with_service(name);
        let bridge = client.bridge_tcp(&SocketName::loopback(0), server.address(), options).await.expect("bridge");
        let mut socket = TcpStream::connect(("127.0.0.1", bridge.port())).await.expect("socket");
        socket.write_all(b"ping").await.expect("write");
        socket.read_exact(&mut [0; 4]).await.expect("echo");
        sockets.push(socket);
        bridges.push(bridge);
    }
    let began = Instant::now();
    server.set_policy(policy(&["web"]));
    let ended = soon(sockets[0].read(&mut [0])).await;
    assert!(ended.as_ref().map_or(true, |count| *count == 0), "{ended:?}");
    assert!(began.elapsed() < GONE, "{:?}", began.elapsed());
    sockets[1].write_all(b"ping").await.expect("write");
    soon(sockets[1].read_exact(&mut [0; 4])).await.expect("echo");
    drop((sockets, bridges));
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn rates_count_for_each_peer_or_for_all() {
    let server = endpoint().await;
    let (own, shared) = (generic("Own"), generic("Shared"));
    let _served = echo(&server, &[own.clone(), shared.clone()]);
    let rate = Rate { per_second: 1, burst: 2 };
    let rule =
        |protocol: &Protocol, effect| PolicyRule { protocol: Some(protocol.clone()), effect, ..PolicyRule::default() };
    let rules = vec![rule(&own, PolicyEffect::Limit(rate)), rule(&shared, PolicyEffect::LimitAll(rate))];
    server.set_policy(Some(Policy::new(PolicyRules { rules, ..PolicyRules::default() }).expect("rules")));
    let [a, b] = [endpoint().await, endpoint().await];
    for client in [&a, &b] {
        introduce(client, &server);
    }
    let began = Instant::now();
    let open_all = async |protocol: &Protocol, client: &Endpoint| {
        let mut busy = 0;
        for _ in 0..3 {
            match open(client, &server, protocol, USUAL).await {
                Ok(stream) => drop(exchange(stream, b"x").await.expect("answer")),
                Err(error) => busy += i32::from(error.code() == Code::Busy),
            }
        }
        busy
    };
    let busy =
        [open_all(&own, &a).await, open_all(&own, &b).await, open_all(&shared, &a).await, open_all(&shared, &b).await];
    // On a slow machine, some tokens are refilled during the test.
    if began.elapsed() < Duration::from_secs(1) {
        assert_eq!(busy, [1, 1, 1, 3]);
    }
    close(&[&a, &b, &server]).await;
}

#[tokio::test]
async fn the_authorizer_is_asked_only_if_a_rule_says_so() {
    let rules_of = Authorize { stream: true, timeout: GENEROUS, ..Authorize::default() };
    let config = Config { authorize: Some(rules_of), ..config(limits()) };
    let server = Endpoint::bind(SecretKey::generate(), config).await.expect("bind");
    // It denies every request.
    server.set_authorizer(|_| std::future::ready(false)).expect("authorizer");
    let client = endpoint().await;
    introduce(&client, &server);
    let (chat, asked) = (generic("Chat"), generic("Asked"));
    let listener = server.listen(None, &[chat.clone(), asked.clone()], false).expect("listen");
    server.set_policy(Some(rules(client.id(), &[(&chat, PolicyEffect::Allow), (&asked, PolicyEffect::Ask)])));
    let stream = open(&client, &server, &chat, USUAL).await.expect("by the table");
    assert_eq!(open(&client, &server, &asked, USUAL).await.expect_err("asked").code(), Code::Unauthorized);
    // Nor when all are asked again.
    soon(server.reauthorize()).await;
    assert_eq!(incoming(&listener).await.stream.id(), stream.id());
    drop(stream);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_rule_that_asks_denies_without_authorization_requests() {
    let (client, server) = pair().await;
    let chat = generic("Chat");
    let _served = echo(&server, std::slice::from_ref(&chat));
    server.set_policy(Some(rules(client.id(), &[(&chat, PolicyEffect::Ask)])));
    assert_eq!(open(&client, &server, &chat, USUAL).await.expect_err("denied").code(), Code::Unauthorized);
    close(&[&client, &server]).await;
}
