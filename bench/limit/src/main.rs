//! The harness's worker.mjs in Rust: `limit server|client A|B|C|Ds|Dc`, JSON lines on stdin/stdout.
use std::{
    io::{BufRead, Write},
    sync::{Arc, Mutex, atomic::{AtomicUsize, Ordering}},
    time::{Duration, Instant},
};

use bytes::Bytes;
use iroh::{Endpoint, EndpointAddr, endpoint::{Connection, RecvStream, SendStream}};
use nix::sys::resource::{UsageWho, getrusage};
use limit::{ALPN, addr, bind, knob};
use serde_json::{Value, json};
use tokio::sync::mpsc;

type Res<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const BLOCK: usize = 64 * 1024;
const LINE: [u8; 128] = [0x61; 128];
const fn pattern(o: usize) -> u8 {
    ((o ^ (o >> 8)) & 0xff) as u8
}

fn cpu_ms() -> f64 {
    let used = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let ms = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 * 1e3 + t.tv_usec() as f64 / 1e3;
    ms(used.user_time()) + ms(used.system_time())
}
async fn rss() -> f64 {
    tokio::time::sleep(Duration::from_millis(300)).await;
    let s = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let kib = s.lines().find_map(|l| l.strip_prefix("Rss:")).unwrap();
    kib.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() * 1024.0
}
fn send(v: Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{v}").unwrap();
    out.flush().unwrap();
}

/* ---------------------------------------------------------------- server */
#[derive(Default)]
struct Shared {
    sunk: Mutex<Option<(u64, f64, bool)>>,
    held: Mutex<Vec<(SendStream, RecvStream)>>,
    count: AtomicUsize,
}

async fn bulk(mut tx: SendStream, mut rx: RecvStream, shared: Arc<Shared>) -> Res<()> {
    let (mut bytes, mut ok, mut t0) = (0usize, true, None);
    let mut see = |c: &[u8]| {
        t0.get_or_insert_with(Instant::now);
        ok &= c[0] == pattern(bytes & 0xffff);
        bytes += c.len();
        ok &= c[c.len() - 1] == pattern((bytes - 1) & 0xffff);
    };
    if let Some(n) = knob("readchunks") {
        let mut bufs = vec![Bytes::new(); n as usize];
        while let Some(n) = rx.read_many_chunks(&mut bufs).await? {
            for b in &mut bufs[..n] {
                see(&std::mem::take(b));
            }
        }
    } else {
        let mut buf = vec![0; knob("read").unwrap_or(256 << 10) as usize];
        while let Some(n) = rx.read(&mut buf).await? {
            see(&buf[..n]);
        }
    }
    let ms = t0.map_or(0.0, |t| t.elapsed().as_secs_f64() * 1e3);
    *shared.sunk.lock().unwrap() = Some((bytes as u64, ms, ok));
    tx.write_all(&LINE).await?;
    tx.finish()?;
    Ok(())
}
async fn echo(mut tx: SendStream, mut rx: RecvStream) -> Res<()> {
    read_to_end(&mut rx).await?;
    tx.write_all(&LINE).await?;
    tx.finish()?;
    Ok(())
}
async fn hold(mut tx: SendStream, mut rx: RecvStream, shared: Arc<Shared>) -> Res<()> {
    shared.count.fetch_add(1, Ordering::Relaxed);
    rx.read_exact(&mut [0; 128]).await?;
    tx.write_all(&LINE).await?;
    shared.held.lock().unwrap().push((tx, rx));
    Ok(())
}
async fn read_to_end(rx: &mut RecvStream) -> Res<usize> {
    let (mut buf, mut got) = ([0; 1024], 0);
    while let Some(n) = rx.read(&mut buf).await? {
        got += n;
    }
    Ok(got)
}

async fn server(work: String, mut lines: mpsc::UnboundedReceiver<Value>) -> Res<()> {
    let ep = bind(true).await?;
    let at = ep.bound_sockets()[0].to_string();
    send(json!({ "address": { "id": ep.id().to_string(), "at": [at] } }));
    let shared = Arc::new(Shared::default());
    let accept = {
        let shared = shared.clone();
        async move {
            while let Some(incoming) = ep.accept().await {
                let (work, shared) = (work.clone(), shared.clone());
                tokio::spawn(async move {
                    let conn = incoming.await?;
                    loop {
                        let (tx, rx) = conn.accept_bi().await?;
                        let shared = shared.clone();
                        match &*work {
                            "A" => tokio::spawn(bulk(tx, rx, shared)),
                            "Ds" | "Dc" => tokio::spawn(hold(tx, rx, shared)),
                            _ => tokio::spawn(echo(tx, rx)),
                        };
                    }
                    #[allow(unreachable_code)]
                    Res::Ok(())
                });
            }
        }
    };
    tokio::spawn(accept);
    while let Some(m) = lines.recv().await {
        let answer = match m["ask"].as_str().unwrap_or("") {
            "rss" => json!(rss().await),
            "cpu" => json!(cpu_ms()),
            "sunk" => json!(shared.sunk.lock().unwrap().map(|(bytes, ms, ok)| json!({ "bytes": bytes, "ms": ms, "ok": ok }))),
            "held" => json!(shared.count.load(Ordering::Relaxed)),
            _ => Value::Null,
        };
        send(json!({ "answer": answer }));
    }
    Ok(())
}

/* ---------------------------------------------------------------- client */
struct Asker(mpsc::UnboundedReceiver<Value>);
impl Asker {
    async fn ask(&mut self, what: &str) -> Value {
        send(json!({ "ask": what }));
        self.0.recv().await.map_or(Value::Null, |mut v| v["answer"].take())
    }
}
async fn round_trip(conn: &Connection) -> Res<()> {
    let (mut tx, mut rx) = conn.open_bi().await?;
    tx.write_all(&LINE).await?;
    tx.finish()?;
    let n = read_to_end(&mut rx).await?;
    if n != 128 { return Err(format!("reply of {n} bytes").into()) }
    Ok(())
}
fn sorted(mut a: Vec<f64>) -> Vec<f64> {
    a.sort_by(f64::total_cmp);
    a
}
fn pick(a: &[f64], p: f64) -> f64 {
    a[((a.len() as f64 * p) as usize).min(a.len() - 1)]
}

async fn push(ep: &Endpoint, to: &EndpointAddr, mib: usize) -> Res<()> {
    let conn = ep.connect(to.clone(), ALPN).await?;
    let (mut tx, mut rx) = conn.open_bi().await?;
    let block: Vec<u8> = (0..BLOCK).map(pattern).collect();
    if knob("writechunks").is_some() {
        let block = Bytes::from(block);
        for _ in 0..mib * 16 { tx.write_chunk(block.clone()).await? }
    } else {
        for _ in 0..mib * 16 { tx.write_all(&block).await? }
    }
    tx.finish()?;
    read_to_end(&mut rx).await?;
    conn.close(0u32.into(), b"");
    Ok(())
}

async fn client(work: &str, opts: &Value, lines: mpsc::UnboundedReceiver<Value>) -> Res<Value> {
    let mut lines = Asker(lines);
    send(json!({ "hello": true }));
    let a = lines.0.recv().await.ok_or("no address")?;
    let to = addr(a["address"]["id"].as_str().unwrap(), a["address"]["at"][0].as_str().unwrap())?;
    let n = |name: &str, default: u64| opts[name].as_u64().unwrap_or(default) as usize;
    let ms = |t: Instant| t.elapsed().as_secs_f64() * 1e3;
    Ok(match work {
        "A" => {
            let ep = bind(false).await?;
            push(&ep, &to, 4).await?;
            let mib = n("mib", 256);
            let cpu0 = cpu_ms() + lines.ask("cpu").await.as_f64().unwrap();
            push(&ep, &to, mib).await?;
            let cpu = cpu_ms() + lines.ask("cpu").await.as_f64().unwrap() - cpu0;
            let s = lines.ask("sunk").await;
            if s["bytes"].as_u64() != Some((mib << 20) as u64) || s["ok"] != true { return Err(format!("damaged: {s}").into()) }
            json!({ "mib": mib, "mibps": mib as f64 / (s["ms"].as_f64().unwrap() / 1e3), "cpuPerGiB": cpu / 1e3 / (mib as f64 / 1024.0) })
        }
        "B" => {
            let ep = bind(false).await?;
            let conn = ep.connect(to, ALPN).await?;
            let (seq, total, flight) = (n("seq", 2000), n("total", 10000), n("flight", 64));
            let mut lat = vec![];
            for i in 0..seq + 200 {
                let t = Instant::now();
                round_trip(&conn).await?;
                if i >= 200 { lat.push(ms(t)) }
            }
            let cpu0 = cpu_ms() + lines.ask("cpu").await.as_f64().unwrap();
            let t = Instant::now();
            let next = Arc::new(AtomicUsize::new(0));
            let lanes: Vec<_> = (0..flight).map(|_| {
                let (conn, next) = (conn.clone(), next.clone());
                tokio::spawn(async move {
                    while next.fetch_add(1, Ordering::Relaxed) < total { round_trip(&conn).await? }
                    Res::Ok(())
                })
            }).collect();
            for l in lanes { l.await?? }
            let secs = t.elapsed().as_secs_f64();
            let cpu = cpu_ms() + lines.ask("cpu").await.as_f64().unwrap() - cpu0;
            let a = sorted(lat);
            json!({ "p50": pick(&a, 0.5), "p99": pick(&a, 0.99), "rps": total as f64 / secs, "cpuUsPerReq": cpu * 1e3 / total as f64, "limit": null })
        }
        "C" => {
            let ep = bind(false).await?;
            let once = async || -> Res<f64> {
                let t = Instant::now();
                let conn = ep.connect(to.clone(), ALPN).await?;
                round_trip(&conn).await?;
                let d = ms(t);
                conn.close(0u32.into(), b"");
                Ok(d)
            };
            let first = once().await?;
            once().await?;
            let mut all = vec![];
            for _ in 0..n("conns", 50) { all.push(once().await?) }
            let a = sorted(all);
            json!({ "first": first, "p50": pick(&a, 0.5), "p90": pick(&a, 0.9) })
        }
        "Ds" | "Dc" => {
            let ep = bind(false).await?;
            let open = async |conn: &Connection| -> Res<_> {
                let (mut tx, mut rx) = conn.open_bi().await?;
                tx.write_all(&LINE).await?;
                rx.read_exact(&mut [0; 128]).await?;
                Ok((conn.clone(), tx, rx))
            };
            let mut keep = vec![];
            let mut conn = ep.connect(to.clone(), ALPN).await?;
            let (warm, want, key) = if work == "Ds" { (20, n("streams", 1000), "kibPerStream") } else { (5, n("conns", 50), "kibPerConn") };
            let mut before = 0.0;
            // iroh shares per-peer state between connections, so each connection here has its own peer.
            let mut peers = vec![];
            for i in 0..warm + want {
                if i == warm { before = lines.ask("rss").await.as_f64().unwrap() }
                if work == "Dc" {
                    let peer = bind(false).await?;
                    conn = peer.connect(to.clone(), ALPN).await?;
                    peers.push(peer);
                }
                keep.push(open(&conn).await?);
            }
            let after = lines.ask("rss").await.as_f64().unwrap();
            let further = if work == "Ds" { n("further", 4) * want } else { 0 };
            for i in 0..further {
                if i % want == 0 { conn = ep.connect(to.clone(), ALPN).await? }
                keep.push(open(&conn).await?);
            }
            let last = lines.ask("rss").await.as_f64().unwrap();
            let kib = |bytes: f64, each: usize| if each == 0 { Value::Null } else { json!(bytes / 1024.0 / each as f64) };
            let held = lines.ask("held").await;
            json!({ "opened": want, key: kib(after - before, want), "further": further, "kibPerFurther": kib(last - after, further), "limit": null, "held": held })
        }
        _ => return Err(format!("no workload {work}").into()),
    })
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (role, work) = (args[1].clone(), args[2].clone());
    let opts: Value = std::env::var("BENCH_OPTS").ok().and_then(|s| serde_json::from_str(&s).ok()).unwrap_or(json!({}));
    let rt = match knob("workers").unwrap_or(2) {
        0 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        n => tokio::runtime::Builder::new_multi_thread().worker_threads(n as usize).enable_all().build(),
    }.unwrap();
    let (tx, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for l in std::io::stdin().lock().lines().map_while(Result::ok) {
            if let Ok(v) = serde_json::from_str(&l) { if tx.send(v).is_err() { break } }
        }
        std::process::exit(0);
    });
    // Run on the runtime's threads, not on the main thread, as an ordinary program does.
    let task = async move {
        if role == "server" {
            if let Err(e) = server(work, lines).await { send(json!({ "error": format!("{e:?}") })) }
        } else {
            match client(&work, &opts, lines).await {
                Ok(v) => send(json!({ "result": v })),
                Err(e) => send(json!({ "error": format!("{e:?}") })),
            }
            std::future::pending::<()>().await
        }
    };
    let h = rt.spawn(task);
    rt.block_on(h).unwrap();
}
