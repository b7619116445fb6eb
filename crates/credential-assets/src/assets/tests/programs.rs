//! Programs that every Unix has.

use std::time::Duration;

use super::*;
use crate::CommandProblem;

impl Room {
    fn with_commands(settings: CommandSettings) -> Self {
        let mut room = Self::new();
        room.assets = room.assets.with_commands(settings);
        room
    }

    /// A program that counts its runs and prints this.
    fn counting(&self, output: &str) -> String {
        let (runs, program) = (self.folder.path().join("runs"), self.folder.path().join("program"));
        let script = format!("#!/bin/sh\necho run >>{}\nprintf '%s' '{output}'\n", runs.display());
        fs::write(&program, script).unwrap();
        format!("exec:/bin/sh {}", program.display())
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.folder.path().join("runs"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    async fn problem(&self, reference: &str) -> CommandProblem {
        match self.read(reference).await.unwrap_err() {
            AssetError::Source { problem, .. } => problem.downcast_ref::<CommandProblem>().unwrap().clone(),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_program_is_run_without_a_shell_and_without_input() {
    let room = Room::new();
    assert_eq!(
        room.read("exec:echo '$HOME' *.x \"a  b\"").await.unwrap(),
        "$HOME *.x a  b"
    );
    let error = room.read("exec:cat").await.unwrap_err();
    assert!(matches!(error, AssetError::Empty { .. }), "{error}");
    let json = r#"exec:echo '{"a": {"b": "c"}}"#;
    assert_eq!(room.read(&format!("{json}'#/a/b")).await.unwrap(), "c");
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed() {
    let limit = Duration::from_secs(1);
    let room = Room::with_commands(CommandSettings {
        timeout: limit,
        ..CommandSettings::default()
    });
    // The program holds a pipe open: its end is the program's.
    let pipe = room.folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let script = format!("exec:/bin/sh -c 'exec 3>{}; exec sleep 600'", pipe.display());
    let (problem, end) = tokio::join!(room.problem(&script), tokio::fs::read(&pipe));
    assert_eq!(problem, CommandProblem::TimedOut { limit });
    assert_eq!(end.unwrap(), b"");
}

#[tokio::test]
async fn a_program_that_fails_is_named_and_nothing_it_says_is_shown() {
    let room = Room::new();
    let script = "exec:/bin/sh -c 'echo wJalout; echo wJalerr >&2; exit 7' --pin wJalarg";
    let error = room.read(script).await.unwrap_err();
    assert_eq!(error.to_string(), "exec:/bin/sh cannot be fetched");
    assert!(!format!("{error:?}").contains("wJal"), "{error:?}");
    assert_eq!(
        room.problem(script).await.to_string(),
        "the program ended with exit code 7"
    );
    assert_eq!(
        room.problem("exec:/bin/sh -c 'kill -9 $$'").await.to_string(),
        "the program ended with a signal"
    );
    assert!(matches!(
        room.problem("exec:/nonexistent/program").await,
        CommandProblem::NotStarted {
            reason: std::io::ErrorKind::NotFound
        }
    ));
    let limit = MAX_FILE_BYTES;
    assert_eq!(
        room.problem("exec:cat /dev/zero").await,
        CommandProblem::TooLarge { limit }
    );
    assert_eq!(room.problem(r"exec:printf '\377'").await, CommandProblem::NotUtf8);
}

#[tokio::test]
async fn what_a_program_prints_is_cached_until_it_is_rejected_or_grows_old() {
    let room = Room::new();
    let program = room.counting("S");
    let set = keys("AKID", &program, None);
    for _ in 0..3 {
        room.assets.keys(&set).await.unwrap();
    }
    assert_eq!(room.runs(), 1);
    room.assets.invalidate(&set);
    room.assets.keys(&set).await.unwrap();
    assert_eq!(room.runs(), 2);
}

#[tokio::test]
async fn what_is_good_once_is_read_again_each_time() {
    let room = Room::new();
    let program = room.counting("042137").parse().unwrap();
    for runs in 1..=3 {
        room.assets.read_uncached(&program).await.unwrap();
        assert_eq!(room.runs(), runs);
    }
}

#[tokio::test]
async fn parts_of_one_key_from_the_same_source_are_of_the_same_reading() {
    let room = Room::with_commands(CommandSettings {
        cache: Duration::ZERO,
        ..CommandSettings::default()
    });
    let program = room.counting(r#"{"id": "AKID", "secret": "S", "token": "T"}"#);
    let part = |name: &str| format!("{program}#/{name}");
    let set = keys(&part("id"), &part("secret"), Some(&part("token")));
    let read = room.assets.keys(&set).await.unwrap();
    assert_eq!(read.secret_access_key.expose(), "S");
    assert_eq!(room.runs(), 1);
    room.assets.keys(&set).await.unwrap();
    assert_eq!(room.runs(), 2);
}

#[tokio::test]
async fn a_program_gets_what_all_get_and_what_is_named_and_no_secret_of_others() {
    let set = [
        "ALL_PROXY",
        "AWS_PROFILE",
        "AWS_SECRET_ACCESS_KEY",
        "HOME",
        "HOME_2",
        "LANG",
        "LC_ALL",
        "OTHER_SECRET",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
        "VAULT_TOKEN",
        "XDG_CONFIG_HOME",
        "https_proxy",
    ];
    let environment: crate::FixedEnvironment = set.into_iter().map(|name| (name, "value")).collect();
    let read = async |names: &[&str]| {
        let settings = CommandSettings {
            environment: names.iter().map(ToString::to_string).collect(),
            ..CommandSettings::default()
        };
        let assets = Assets::new(environment.clone()).with_commands(settings);
        let output = assets.read(&"exec:/usr/bin/env".parse().unwrap()).await.unwrap();
        let mut names: Vec<String> = output
            .expose()
            .lines()
            .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
            .collect();
        names.sort();
        names
    };
    let all = [
        "ALL_PROXY",
        "HOME",
        "LANG",
        "LC_ALL",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
        "XDG_CONFIG_HOME",
        "https_proxy",
    ];
    assert_eq!(read(&[]).await, all);
    let with_profile = read(&["AWS_PROFILE", "NOT_SET"]).await;
    assert_eq!(
        with_profile
            .iter()
            .filter(|name| !all.contains(&name.as_str()))
            .collect::<Vec<_>>(),
        ["AWS_PROFILE"]
    );
}
