//! Services over TLS, and HTTP/2.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use fastn_net::{
    Code,
    tunnel::{Allow, BridgeHttpOptions, ExposeHttpOptions, HttpTarget},
};
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    support::{close, pair},
    tunnelled::{bridge, connect},
};

/// A certificate of localhost that signs itself, until 2126.
const CERTIFICATE: &str = include_str!("localhost.pem");
const KEY: &str = include_str!("localhost.key.pem");

fn acceptor(protocols: &[&str]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).expect("key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("certificate and key");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Serves HTTP/1.1 and HTTP/2 as the client likes, and answers with the version and Host of the request.
async fn serve(listener: TcpListener, protocols: &[&str]) {
    let acceptor = acceptor(protocols);
    let answer = |request: Request<Incoming>| async move {
        let authority = request.uri().authority().map(ToString::to_string);
        let host = request.headers().get("host").map(|host| host.to_str().expect("text").to_owned());
        let text = format!("{:?} {}", request.version(), authority.or(host).unwrap_or_default());
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
    };
    while let Ok((socket, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Fails if the client does not trust it.
            let Ok(stream) = acceptor.accept(socket).await else { return };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let io = TokioIo::new(stream);
            if is_http2 {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(io, service_fn(answer)).await;
            } else {
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service_fn(answer)).await;
            }
        });
    }
}

#[tokio::test]
async fn a_service_with_https_is_reached_in_the_newest_version_that_it_speaks() {
    let (client, server) = pair().await;
    for (protocols, version) in [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&[][..], "HTTP/1.1")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let name = format!("localhost:{}", listener.local_addr().expect("address").port());
        let serving = tokio::spawn(serve(listener, protocols));
        let target: HttpTarget = format!("https://{name}").parse().expect("target");
        let options = ExposeHttpOptions::new(Allow::Public).with_certificates(CERTIFICATE);
        let exposed = server.expose_http(target, options).expect("expose");
        let bridge = bridge(&client, BridgeHttpOptions::default()).await;
        let mut socket = connect(&bridge).await;
        for _ in 0..2 {
            socket.send(&format!("GET / HTTP/1.1\r\nhost: {}.localhost\r\n\r\n", server.id())).await;
            assert_eq!(socket.answer().await.1, format!("{version} {name}"));
        }
        exposed.close(std::time::Duration::ZERO).await;
        serving.abort();
    }
    close(&[&client, &server]).await;
}

/// Refuses the streams of its first connections, and answers those of others.
async fn refuse(listener: TcpListener, mut refusing: usize, connections: Arc<AtomicUsize>) {
    let acceptor = acceptor(&["h2"]);
    while let Ok((socket, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        let stream = acceptor.accept(socket).await.expect("TLS");
        let refuses = refusing > 0;
        refusing = refusing.saturating_sub(1);
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(stream).await.expect("handshake");
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                if refuses {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                    continue;
                }
                let head = Response::builder().header("content-length", "2").body(()).expect("head");
                let mut body = respond.send_response(head, false).expect("head");
                body.send_data(Bytes::from_static(b"ok"), true).expect("body");
            }
        });
    }
}

#[tokio::test]
async fn a_request_without_a_body_that_http2_refuses_unprocessed_is_sent_again() {
    let (client, server) = pair().await;
    let bridge = bridge(&client, BridgeHttpOptions::default()).await;
    for (refusing, request, status, connected) in [
        (1, "GET / HTTP/1.1\r\n", "200", 2),
        (3, "HEAD / HTTP/1.1\r\n", "200", 4),
        (9, "GET / HTTP/1.1\r\n", "502", 4),
        (1, "POST / HTTP/1.1\r\ncontent-length: 0\r\n", "200", 2),
        (1, "POST / HTTP/1.1\r\ncontent-length: 1\r\n", "502", 1),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let name = format!("localhost:{}", listener.local_addr().expect("address").port());
        let connections = Arc::new(AtomicUsize::new(0));
        let serving = tokio::spawn(refuse(listener, refusing, connections.clone()));
        let target: HttpTarget = format!("https://{name}").parse().expect("target");
        let options = ExposeHttpOptions::new(Allow::Public).with_certificates(CERTIFICATE);
        let exposed = server.expose_http(target, options).expect("expose");
        let mut socket = connect(&bridge).await;
        let body = if request.contains("length: 1") { "x" } else { "" };
        socket.send(&format!("{request}host: {}.localhost\r\n\r\n{body}", server.id())).await;
        let head = socket.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {head}");
        assert_eq!(connections.load(Ordering::SeqCst), connected, "{request}");
        exposed.close(std::time::Duration::ZERO).await;
        serving.abort();
    }
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_service_without_a_trusted_certificate_is_a_bad_gateway() {
    let (client, server) = pair().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let target: HttpTarget = format!("https://{}", listener.local_addr().expect("address")).parse().expect("target");
    tokio::spawn(serve(listener, &["h2"]));
    // It is for localhost, not for the address.
    let options = ExposeHttpOptions::new(Allow::Public).with_certificates(CERTIFICATE);
    let _exposed = server.expose_http(target.clone(), options).expect("expose");
    let bridge = bridge(&client, BridgeHttpOptions::default()).await;
    let mut socket = connect(&bridge).await;
    socket.send(&format!("GET / HTTP/1.1\r\nhost: {}.localhost\r\n\r\n", server.id())).await;
    assert!(socket.answer().await.0.starts_with("HTTP/1.1 502 "));

    let options = ExposeHttpOptions::new(Allow::Public).with_service("x").with_certificates("no PEM");
    assert_eq!(server.expose_http(target, options).expect_err("no PEM").code(), Code::InvalidArgument);
    let options = ExposeHttpOptions::new(Allow::Public).with_service("x").with_certificates(CERTIFICATE);
    let plain = "http://localhost:80".parse().expect("target");
    assert_eq!(server.expose_http(plain, options).expect_err("no TLS").code(), Code::InvalidArgument);
    close(&[&client, &server]).await;
}
