use std::{fs, sync::mpsc, thread, time::Duration};

use tempfile::tempdir;

use super::*;
use crate::error::Code;

/// Reads on a thread of its own: a read that blocks must fail the test, not hang it.
fn read_in_time(path: &Path) -> Result<Option<String>> {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || sender.send(read_text(&path)));
    receiver.recv_timeout(Duration::from_secs(10)).expect("reading a key file blocks")
}

fn refusal(path: &Path) -> String {
    let error = read_in_time(path).map(|_| ()).expect_err("not a key file");
    assert_eq!(error.code(), Code::KeyStore);
    assert!(error.message().contains(&path.display().to_string()), "{error}");
    error.message().to_owned()
}

#[test]
fn a_file_of_64_kib_is_read_and_a_larger_one_is_not() {
    let folder = tempdir().expect("folder");
    let path = folder.path().join("key");
    fs::write(&path, "x".repeat(64 * 1024)).expect("write");
    assert_eq!(read_in_time(&path).expect("read").expect("there").len(), 64 * 1024);
    fs::write(&path, "x".repeat(64 * 1024 + 1)).expect("write");
    assert!(refusal(&path).contains("64 KiB"));
    // A sparse file: it takes no room, but reading it would take a gigabyte of memory.
    File::create(&path).expect("create").set_len(1 << 30).expect("set_len");
    assert!(refusal(&path).contains("64 KiB"));
}

#[test]
fn a_folder_is_not_a_key_file() {
    let folder = tempdir().expect("folder");
    refusal(folder.path());
}

#[test]
fn a_file_where_a_folder_should_be_is_named() {
    let folder = tempdir().expect("folder");
    let file = folder.path().join("plain");
    fs::write(&file, "").expect("write");
    for path in [file.join("key"), file.join("deeper").join("key")] {
        let error = read_in_time(&path).expect_err("no folder");
        assert_eq!(error.code(), Code::KeyStore);
        assert!(error.message().contains(&format!("{} is not a folder", file.display())), "{error}");
        let error = create(&path, "text").expect_err("no folder");
        assert_ne!(error.kind(), io::ErrorKind::AlreadyExists, "it is not the key that is there already");
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_and_a_device_are_rejected_at_once() {
    use std::{os::unix::fs::symlink, process::Command};

    let folder = tempdir().expect("folder");
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    assert!(refusal(&fifo).contains("not a regular file"));
    let zero = folder.path().join("zero");
    symlink("/dev/zero", &zero).expect("symlink");
    assert!(refusal(&zero).contains("not a regular file"));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let folder = tempdir().expect("folder");
    let path = folder.path().join("key");
    fs::write(&path, "\u{feff}text").expect("write");
    assert_eq!(read_in_time(&path).expect("read").as_deref(), Some("text"));
    // Only one is skipped.
    fs::write(&path, "\u{feff}\u{feff}text").expect("write");
    assert_eq!(read_in_time(&path).expect("read").as_deref(), Some("\u{feff}text"));
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_an_error_that_names_its_target_and_is_not_written_through() {
    use std::os::unix::fs::symlink;

    let folder = tempdir().expect("folder");
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    symlink(&target, &link).expect("symlink");
    let says = format!("{} is a link to {}, which is not there", link.display(), target.display());
    assert!(refusal(&link).contains(&says));
    let error = create(&link, "text").expect_err("a dangling link");
    assert!(error.to_string().contains(&says), "{error}");
    // A folder on the way.
    let inside = link.join("key");
    let error = read_in_time(&inside).expect_err("a dangling link");
    assert!(error.message().contains(&says), "{error}");
    let error = create(&inside, "text").expect_err("a dangling link");
    assert!(error.to_string().contains(&says), "{error}");
    assert_ne!(error.kind(), io::ErrorKind::AlreadyExists, "it is not the key that is there already");
    assert!(!target.exists(), "written through the link");
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_to_a_regular_file_is_followed() {
    let folder = tempdir().expect("folder");
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "text").expect("write");
    std::os::unix::fs::symlink(&target, &link).expect("symlink");
    assert_eq!(read_in_time(&link).expect("read").as_deref(), Some("text"));
}
