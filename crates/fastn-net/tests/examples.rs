//! The examples, as users run them: in processes of their own.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Ends the process if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
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
    let mut receiver = Running(example("shout").stdout(Stdio::piped()).spawn().expect("receiver"));
    let mut ticket = String::new();
    BufReader::new(receiver.0.stdout.take().expect("stdout")).read_line(&mut ticket).expect("ticket");
    let sent = example("shout").args([ticket.trim(), "hello, peer"]).output().expect("sender");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(String::from_utf8_lossy(&sent.stdout).trim(), "HELLO, PEER");
    assert!(receiver.0.wait().expect("receiver").success());
}
