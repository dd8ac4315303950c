//! The examples, as users run them: in separate processes.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Longer than a program takes on a busy machine. A hanging program fails its test.
const LIMIT: Duration = Duration::from_mins(1);

/// Ends the process if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::piped()).spawn().expect("program"))
    }

    fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait().expect("program") {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("it did not end within {LIMIT:?}");
    }
}

/// Cargo builds the examples beside the tests.
fn example(name: &str) -> Command {
    let test = env::current_exe().expect("path");
    let folder: PathBuf = test.ancestors().nth(2).expect("the profile's folder").join("examples");
    let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo test`, or `cargo build --examples` first", path.display());
    Command::new(path)
}

#[test]
fn shout_answers_another_process() {
    let mut receiver = Running::start(example("shout"));
    let stdout = receiver.0.stdout.take().expect("stdout");
    let (sender, receive_ticket) = mpsc::channel();
    thread::spawn(move || {
        let mut ticket = String::new();
        BufReader::new(stdout).read_line(&mut ticket).expect("ticket");
        sender.send(ticket)
    });
    let ticket = receive_ticket.recv_timeout(LIMIT).expect("a ticket in time");
    let mut command = example("shout");
    command.args([ticket.trim(), "hello, peer"]);
    let mut sending = Running::start(command);
    assert!(sending.ended().success());
    let mut answer = String::new();
    sending.0.stdout.take().expect("stdout").read_to_string(&mut answer).expect("answer");
    assert_eq!(answer.trim(), "HELLO, PEER");
    assert!(receiver.ended().success());
}
