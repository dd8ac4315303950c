use std::fs;

use tempfile::{TempDir, tempdir};

use super::*;

const SECRET: &str = "100d7e23f222267ba0be43855a262461b8a7718572edf58c56db912156d2bc25";
const ID52: &str = "i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60";
const OTHER: &str = "e357e8a31fa82958cf0a7697846cb9ed494807d5d8bf95bac9ed21207d8ce6a3";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().expect("folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("file");
    }
    folder
}

fn nothing() -> Environment {
    Environment::default()
}

fn lines(text: impl Into<String>) -> Environment {
    Environment { secret_keys: Some(text.into()), ..Environment::default() }
}

fn public() -> PublicKey {
    PublicKey::parse(ID52).expect("id52")
}

fn secret() -> SecretKey {
    SecretKey::from_hex(SECRET).expect("secret")
}

fn hex(found: Result<Option<Found>>) -> String {
    match found.expect("looked").expect("found").key {
        Key::Secret(secret) => secret.to_hex(),
        Key::InKeyring(public) => format!("keyring {public}"),
    }
}

fn message<T>(result: Result<T>) -> String {
    let error = result.err().expect("an error");
    assert_eq!(error.code(), Code::KeyStore);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&SECRET[..16]) && !shown.contains(&OTHER[..16]), "{shown}");
    error.message().to_owned()
}

#[test]
fn the_one_key_is_the_variable_then_the_secret_file_then_the_id52_file() {
    let environment = Environment { secret_key: Some(format!("{OTHER}\n")), ..nothing() };
    let both = folder(&[(".fastn.secret-key", &format!("{SECRET} \r\n")), (".fastn.id52", ID52)]);
    let keyring = folder(&[(".fastn.id52", &format!("{ID52}\n"))]);
    assert_eq!(hex(find_one(both.path(), &environment)), OTHER);
    assert_eq!(hex(find_one(both.path(), &nothing())), SECRET);
    assert_eq!(hex(find_one(keyring.path(), &nothing())), format!("keyring {ID52}"));
    assert_eq!(hex(find_one(keyring.path(), &lines(format!("i66f: {SECRET}")))), SECRET);
    assert!(find_one(folder(&[]).path(), &nothing()).expect("looked").is_none());
    assert!(find_one(&both.path().join("missing"), &nothing()).expect("looked").is_none());
}

#[test]
fn a_byte_order_mark_before_a_key_is_skipped() {
    let files = folder(&[
        (".fastn.secret-key", &format!("\u{feff}{SECRET}\r\n")),
        ("a.id52", &format!("\u{feff}{ID52}")),
        ("keys", &format!("\u{feff}i66f: {SECRET}\n")),
    ]);
    assert_eq!(hex(find_one(files.path(), &nothing())), SECRET);
    assert_eq!(hex(find_named(files.path(), "a", &nothing())), format!("keyring {ID52}"));
    let lines = files.path().join("keys").display().to_string();
    assert_eq!(hex(find_id52(&public(), &Environment { secret_keys_file: Some(lines), ..nothing() })), SECRET);
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_neither_a_missing_key_nor_a_key() {
    let folder = folder(&[]);
    let target = folder.path().join("elsewhere");
    std::os::unix::fs::symlink(&target, folder.path().join("rig.private-key")).expect("symlink");
    let found = message(find_named(folder.path(), "rig", &nothing()));
    let saved = message(save_secret(folder.path(), Some("rig"), &secret()));
    let noted = message(save_public(folder.path(), Some("rig"), &public()));
    for message in [found, saved, noted] {
        assert!(message.contains(&format!("is a link to {}, which is not there", target.display())), "{message}");
    }
    assert!(!target.exists(), "written through the link");
}

#[test]
fn two_files_of_different_keys_are_an_error() {
    let folder = folder(&[(".fastn.secret-key", OTHER), (".fastn.id52", ID52)]);
    assert!(message(find_one(folder.path(), &nothing())).contains("different keys"));
}

#[test]
fn an_empty_variable_is_an_error_and_not_a_new_key() {
    let environment = Environment { secret_key: Some(String::new()), ..nothing() };
    assert!(message(find_one(folder(&[]).path(), &environment)).contains("FASTN_SECRET_KEY"));
}

#[test]
fn a_named_key_is_in_one_of_two_files_and_never_in_both() {
    let folder = folder(&[("a.private-key", SECRET), ("b.id52", ID52), ("c.private-key", SECRET), ("c.id52", ID52)]);
    assert_eq!(hex(find_named(folder.path(), "a", &nothing())), SECRET);
    assert_eq!(hex(find_named(folder.path(), "b", &nothing())), format!("keyring {ID52}"));
    assert_eq!(hex(find_named(folder.path(), "b", &lines(format!("{ID52}: {SECRET}")))), SECRET);
    assert!(message(find_named(folder.path(), "c", &nothing())).contains("only one may be"));
    assert!(find_named(folder.path(), "d", &nothing()).expect("looked").is_none());
}

#[test]
fn a_line_whose_prefix_is_the_name_precedes_the_files() {
    let folder = folder(&[("rig", ""), ("rig.private-key", SECRET)]);
    assert_eq!(hex(find_named(folder.path(), "rig", &lines(format!("rig: {OTHER}")))), OTHER);
    assert_eq!(hex(find_named(folder.path(), "rig", &lines(format!("ri: {OTHER}\nRIG: {OTHER}")))), SECRET);
}

#[test]
fn a_name_does_not_lead_out_of_the_folder() {
    let folder = folder(&[]);
    for name in ["", ".", "..", "../a", "a/b", "/a", "a\\b", "c:a", "a\0", "a\nb", " a", "a "] {
        let found = find_named(folder.path(), name, &nothing()).expect_err(name);
        let saved = save_secret(folder.path(), Some(name), &secret()).expect_err(name);
        let noted = save_public(folder.path(), Some(name), &public()).expect_err(name);
        for error in [found, saved, noted] {
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
            assert!(error.message().contains("without / \\ :"), "{error}");
        }
    }
    for name in ["a", "...", ".a", "a.b", "a b", "Grüße"] {
        save_secret(folder.path(), Some(name), &secret()).expect(name);
        assert_eq!(hex(find_named(folder.path(), name, &nothing())), SECRET);
    }
}

#[test]
fn a_file_without_a_valid_key_is_an_error_that_names_it() {
    let files = folder(&[(".fastn.secret-key", &SECRET[..63]), ("a.id52", SECRET), ("b.private-key", "")]);
    assert!(message(find_one(files.path(), &nothing())).contains(".fastn.secret-key"));
    assert!(message(find_named(files.path(), "a", &nothing())).contains("a.id52"));
    assert!(message(find_named(files.path(), "b", &nothing())).contains("b.private-key"));
    fs::create_dir(files.path().join("c.private-key")).expect("folder");
    assert!(message(find_named(files.path(), "c", &nothing())).contains("could not be read"));
}

#[test]
fn lines_are_found_by_the_beginning_of_the_id52() {
    for text in [
        format!("i66f: {SECRET}"),
        format!("{ID52} :{SECRET}"),
        format!("I66FO: {SECRET}"),
        format!("# a comment: with a colon\r\n\r\n  i66fo538:{SECRET}  \r\ne87a: {OTHER}\r\n"),
        format!("test: not a key, and of another peer\ni66: {SECRET}"),
    ] {
        assert_eq!(hex(find_id52(&public(), &lines(text))), SECRET);
    }
    for text in ["", "# only a comment", &format!("e87a: {OTHER}"), &format!("{ID52}0: {SECRET}")] {
        assert!(find_id52(&public(), &lines(text)).expect("looked").is_none());
    }
}

#[test]
fn a_line_must_hold_the_key_of_its_prefix() {
    assert!(message(find_id52(&public(), &lines(format!("i66f: {OTHER}")))).contains("holds the key of e87aeds"));
    assert!(message(find_id52(&public(), &lines("i66f: 1234"))).contains("line 1"));
}

#[test]
fn incomplete_and_ambiguous_lines_are_an_error() {
    for (text, says) in [
        (format!(": {SECRET}"), "line 1 has nothing before its colon"),
        (format!("\n{SECRET}"), "line 2 has no colon"),
        (format!("x: {OTHER}\nx: {OTHER}"), "line 2 repeats the prefix of FASTN_SECRET_KEYS, line 1"),
        (format!("i66f: {SECRET}\ni66: {SECRET}"), "both stand for"),
    ] {
        let message = message(find_id52(&public(), &lines(text)));
        assert!(message.contains(says), "{message:?} does not say {says:?}");
    }
}

#[test]
fn the_file_of_lines_is_read_and_both_variables_are_an_error() {
    let folder = folder(&[("keys", &format!("# keys\ni66f: {SECRET}\n"))]);
    let file = |name: &str| Environment {
        secret_keys_file: Some(folder.path().join(name).display().to_string()),
        ..nothing()
    };
    assert_eq!(hex(find_id52(&public(), &file("keys"))), SECRET);
    assert!(message(find_id52(&public(), &file("missing"))).contains("not there"));
    let both = Environment { secret_keys: Some(String::new()), ..file("keys") };
    assert!(message(find_id52(&public(), &both)).contains("both set"));
}

#[test]
fn a_saved_key_is_found_again_and_never_overwritten() {
    let folder = folder(&[]);
    let inner = folder.path().join("made/on the way");
    for name in [None, Some("rig")] {
        let path = save_secret(&inner, name, &secret()).expect("saved");
        assert_eq!(fs::read_to_string(&path).expect("text"), SECRET);
        let other = SecretKey::from_hex(OTHER).expect("secret");
        for again in [save_secret(&inner, name, &other), save_public(&inner, name, &other.public())] {
            assert!(message(again).contains("never overwritten"));
        }
        assert_eq!(fs::read_to_string(&path).expect("text"), SECRET);
    }
    assert_eq!(hex(find_one(&inner, &nothing())), SECRET);
    assert_eq!(hex(find_named(&inner, "rig", &nothing())), SECRET);
    assert_eq!(fs::read_dir(&inner).expect("folder").count(), 2, "a draft was left behind");
}

#[test]
fn a_saved_id52_names_the_keyring_and_keeps_a_secret_out() {
    let folder = folder(&[]);
    let path = save_public(folder.path(), Some("rig"), &public()).expect("saved");
    assert_eq!(fs::read_to_string(path).expect("text"), ID52);
    assert_eq!(hex(find_named(folder.path(), "rig", &nothing())), format!("keyring {ID52}"));
    assert!(message(save_secret(folder.path(), Some("rig"), &secret())).contains("rig.id52"));
}

#[test]
fn of_concurrent_saves_one_wins_and_no_reader_sees_half_a_key() {
    let folder = folder(&[]);
    let saved: Vec<(SecretKey, bool)> = std::thread::scope(|scope| {
        let save = || {
            let secret = SecretKey::generate();
            let won = save_secret(folder.path(), None, &secret).is_ok();
            find_one(folder.path(), &nothing()).expect("whole").expect("there");
            (secret, won)
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(save)).collect();
        threads.into_iter().map(|thread| thread.join().expect("thread")).collect()
    });
    let winners: Vec<String> = saved.iter().filter(|(_, won)| *won).map(|(secret, _)| secret.to_hex()).collect();
    assert_eq!(winners, [hex(find_one(folder.path(), &nothing()))]);
}

#[test]
fn a_key_in_a_file_of_any_name_is_saved_once_and_read() {
    let folder = folder(&[("wrong", "no key")]);
    let path = folder.path().join("server.key");
    assert!(read_file(&path).expect("nothing there").is_none());
    save_file(&path, &secret()).expect("saved");
    assert_eq!(read_file(&path).expect("read").expect("there").to_hex(), SECRET);
    assert!(save_file(&path, &SecretKey::generate()).is_err());
    assert_eq!(fs::read_to_string(&path).expect("text"), SECRET);
    assert_eq!(read_file(&folder.path().join("wrong")).expect_err("no key").code(), Code::KeyStore);
}

#[test]
fn saving_a_key_to_a_file_creates_no_folder() {
    let folder = folder(&[]);
    let error = save_file(&folder.path().join("mistyped").join("server.key"), &secret()).expect_err("no folder");
    assert_eq!(error.code(), Code::KeyStore);
    assert!(error.message().contains("mistyped does not exist"), "{}", error.message());
    assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 0);
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[]);
    for path in [save_secret(folder.path(), None, &secret()), save_public(folder.path(), Some("a"), &public())] {
        let mode = fs::metadata(path.expect("saved")).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn debug_shows_no_secret() {
    let environment = Environment { secret_key: Some(SECRET.into()), ..lines(format!("i66f: {SECRET}")) };
    let found = find_one(folder(&[]).path(), &environment).expect("looked");
    assert!(!format!("{environment:?} {found:?}").contains(&SECRET[..8]));
}
