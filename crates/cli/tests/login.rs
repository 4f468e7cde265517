//! `replicant login` and `replicant logout`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use replicant_emulator::Config;
use support::{Done, Place, TOKEN, mode, with_input};

/// An emulator that accepts only one token.
fn guarded() -> Place {
    Place::with(Config { token: Some(TOKEN.into()), ..Config::default() })
}

#[test]
fn a_token_is_checked_and_stored_where_only_its_owner_can_read_it() {
    let place = guarded();
    let done = with_input(&mut place.logged_out(&["login"]), &format!("{TOKEN}\n"));
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.err.contains("of acme is stored in"), "{done:?}");
    let file = place.token_file();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{TOKEN}\n"));
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no temporary file remains");
    // Commands use it, and the environment takes precedence.
    let list = ["predictions", "list"];
    assert_eq!(Done::of(place.logged_out(&list).output().unwrap()).code, 0);
    let done = Done::of(place.logged_out(&list).env("REPLICATE_API_TOKEN", "r8_wrong").output().unwrap());
    assert!(done.code == 3 && done.err.contains("`replicant login`"), "{done:?}");
    let done = Done::of(place.logged_out(&["logout"]).output().unwrap());
    assert!(done.code == 0 && !file.exists());
    assert_eq!(Done::of(place.logged_out(&list).output().unwrap()).code, 3);
    assert_eq!(Done::of(place.logged_out(&["logout"]).output().unwrap()).code, 0);
}

#[test]
fn a_stored_token_is_replaced_at_once_and_closed_again() {
    let place = guarded();
    let file = place.token_file();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "r8_old").unwrap();
    fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let done = Done::of(place.logged_out(&["predictions", "list"]).output().unwrap());
    assert!(done.err.contains("chmod 600"), "{done:?}");
    let before = fs::metadata(&file).unwrap().ino();
    assert_eq!(with_input(&mut place.logged_out(&["login"]), TOKEN).code, 0);
    assert_ne!(fs::metadata(&file).unwrap().ino(), before, "renamed, not overwritten");
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_token_that_the_api_refuses_is_not_stored() {
    let place = guarded();
    let done = with_input(&mut place.logged_out(&["login"]), "r8_wrong-must-not-leak");
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.err.contains("run `replicant login` with another token"), "{done:?}");
    assert!(!place.token_file().exists());
    let done = with_input(&mut place.logged_out(&["login", "--no-check"]), "r8_wrong-must-not-leak");
    assert!(done.code == 0 && place.token_file().exists(), "{done:?}");
    let long = "r8_must-not-leak".repeat(1000);
    for wrong in [&long, "", "\n", "two words-must-not-leak", "\u{1}must-not-leak"] {
        let done = with_input(&mut place.logged_out(&["login", "--no-check"]), wrong);
        assert_eq!(done.code, 2, "{wrong:?}: {done:?}");
    }
}

#[test]
fn a_token_is_no_argument_and_is_not_repeated() {
    let place = Place::new();
    for words in [
        &["login", TOKEN][..],
        &["login", "--token", TOKEN],
        &["run", "acme/x", "--api-token=r8_must-not-leak"],
        &["run", "acme/x", TOKEN],
        &["predictions", "list", TOKEN],
        &["predictions", "list", "--verbose=r8_must-not-leak"],
        &[TOKEN],
    ] {
        let done = place.run(words);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{words:?}: {done:?}");
        assert!(!place.token_file().exists());
    }
    assert!(place.run(&["login", TOKEN]).err.contains("a token is never an argument"));
    assert!(place.run(&["run", "a/b", "--token=x"]).err.contains("a token is never an argument"));
    assert_eq!(place.emulator.requests_json(), "[]");
}

#[test]
fn without_a_token_the_message_says_what_to_do() {
    let place = Place::new();
    let mut command = place.logged_out(&["predictions", "list"]);
    let done = Done::of(command.env_remove("REPLICATE_BASE_URL").output().unwrap());
    assert_eq!(done.code, 3);
    assert_eq!(
        done.err,
        "replicant: there is no API token: run `replicant login`, or set REPLICATE_API_TOKEN\n"
    );
}
