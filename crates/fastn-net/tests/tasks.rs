//! Tasks of the program: drain cancels them, and drain and close wait for them.

mod support;

use std::time::{Duration, Instant};

use fastn_net::{CloseReport, Protocol};
use support::{USUAL, close, endpoint, open, pair, read_to_end, soon, until, waits, write_all};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn drain_cancels_tasks_and_drained_waits_for_them() {
    let endpoint = endpoint().await;
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let task = endpoint.clone();
    let handle = endpoint.spawn(async move {
        task.cancelled().await;
        let _ = released.await;
        7
    });
    assert!(!endpoint.is_cancelled());
    assert_eq!(endpoint.task_count(), 1);
    endpoint.drain();
    assert!(endpoint.is_cancelled());
    soon(endpoint.cancelled()).await;
    let mut drained = Box::pin(endpoint.drained());
    assert!(waits(&mut drained).await);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(waits(&mut drained).await, "drained while a task runs");
    release.send(()).expect("the task waits");
    soon(drained).await;
    assert_eq!((soon(handle).await.expect("task"), endpoint.task_count()), (7, 0));
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_waits_for_the_task_that_serves_a_stream() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let endpoint = server.clone();
    server.spawn(async move {
        while let Ok(mut incoming) = listener.accept().await {
            let task = endpoint.clone();
            endpoint.spawn(async move {
                task.cancelled().await;
                // Busy for a while after the close has begun.
                tokio::time::sleep(Duration::from_millis(200)).await;
                write_all(&mut incoming.stream, b"the answer").await.expect("write");
                incoming.stream.finish();
            });
        }
    });
    let mut stream = open(&client, &server, &Protocol::Tcp, USUAL).await.expect("stream");
    until("it is served", || server.task_count() == 2).await;
    let (report, answer) = tokio::join!(soon(server.close(LIMIT)), read_to_end(&mut stream));
    assert_eq!(answer.expect("the whole answer"), b"the answer");
    assert_eq!(report, CloseReport::default());
    close(&[&client]).await;
}

#[tokio::test]
async fn close_reports_the_tasks_that_did_not_end_in_time() {
    let endpoint = endpoint().await;
    let endless = endpoint.spawn(std::future::pending::<()>());
    let panicked = endpoint.spawn(async { panic!("as a test asked for") });
    assert!(soon(panicked).await.expect_err("panicked").is_panic());
    let began = Instant::now();
    let report = soon(endpoint.close(Duration::from_millis(100))).await;
    assert!(began.elapsed() >= Duration::from_millis(80), "{:?}", began.elapsed());
    assert_eq!((report.unfinished_tasks, report.unacknowledged, report.is_clean()), (1, 0, false));
    assert_eq!(soon(endpoint.close(LIMIT)).await, report, "all callers share the first close");
    endless.abort();
    until("it ended", || endpoint.task_count() == 0).await;
}

#[tokio::test]
async fn an_endpoint_without_tasks_closes_at_once() {
    let endpoint = endpoint().await;
    let began = Instant::now();
    assert!(soon(endpoint.close(Duration::from_mins(10))).await.is_clean());
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(endpoint.is_cancelled());
}
