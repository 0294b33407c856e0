//! What `[[notifications]]` may say, and that no error repeats what may be a secret.

use std::time::Duration;

use super::*;
use crate::config::{Config, Layer, file};

const SLACK: &str = "[[notifications]]\nto = \"slack\"\nurl_env = \"SLACK_URL\"\n";

fn refused(text: &str) -> String {
    file::parse(text).unwrap_err().to_string()
}

fn only(text: &str) -> NotificationConfig {
    Config::from(file::parse(text).unwrap()).notifications.remove(0)
}

#[test]
fn nothing_is_told_unless_asked_for() {
    assert_eq!(Config::from(Layer::default()).notifications, []);
    assert_eq!(Config::from(Layer::default()).public_url, None);
}

#[test]
fn a_few_words_are_enough() {
    let target = only(SLACK);
    assert_eq!((target.name.as_str(), target.to), ("slack", Kind::Slack));
    assert_eq!(target.on, Rule::ALL);
    assert_eq!(target.batches, BATCH_ENDS);
    assert_eq!(target.cool_down, Duration::from_secs(1800));
    assert_eq!(only("[[notifications]]\nto = \"ntfy\"\ntopic = \"lantern\"\n").to, Kind::Ntfy);
}

#[test]
fn every_key_is_read() {
    let target = only(
        "[[notifications]]\nname = \"phone\"\nto = \"ntfy\"\nurl = \"https://ntfy.example.org\"\n\
         topic_env = \"TOPIC\"\ntoken_env = \"TOKEN\"\npriority = \"high\"\ntags = [\"robot\"]\n\
         on = [\"batch_ended\", \"usage_limit\", \"batch_ended\"]\nbatches = [\"error\", \"lost\"]\n\
         cool_down_minutes = 0\nsettle_seconds = 0.5\nmax_age_hours = 1\ngive_up_hours = 2\n\
         silent_minutes = 3\n",
    );
    assert_eq!(target.on, [Rule::BatchEnded, Rule::UsageLimit]);
    assert_eq!(target.batches, ["error", "lost"]);
    assert_eq!(target.table.priority, Some(4));
    assert_eq!(target.cool_down, Duration::ZERO);
    assert_eq!(target.settle, Duration::from_millis(500));
    assert_eq!((target.max_age.as_secs(), target.give_up.as_secs()), (3600, 7200));
    assert_eq!(target.silent, Duration::from_secs(180));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, line, words) in [
        ("[[notifications]]\nurl = \"https://a.b/\"\n".to_owned(), 1, "to is missing"),
        ("\n[[notifications]]\nto = \"slack\"\n".to_owned(), 2, "needs url_env"),
        ("[[notifications]]\nto = \"ntfy\"\n".to_owned(), 1, "or a topic"),
        (format!("{SLACK}{SLACK}"), 4, "two notifications are called \"slack\""),
        (format!("{SLACK}url = \"https://a.b/\"\n"), 1, "exclude each other"),
        (format!("{SLACK}topic = \"x\"\n"), 1, "topic is for ntfy only"),
        (format!("{SLACK}secret_env = \"X\"\n"), 1, "secret_env is for webhook only"),
        (format!("{SLACK}chanel = \"x\"\n"), 4, "`chanel`"),
        (format!("{SLACK}on = [\"story_blokced\"]\n"), 4, "there are story_blocked, batch_ended"),
        (format!("{SLACK}on = []\n"), 4, "nothing would ever be told"),
        (format!("{SLACK}batches = [\"failed\"]\n"), 4, "completed, stopped, error, lost"),
        (format!("{SLACK}cool_down_minutes = -1\n"), 4, "cool_down_minutes must be at least 0"),
        (format!("{SLACK}silent_minutes = 0\n"), 4, "silent_minutes must be more than 0"),
        (format!("{SLACK}name = \"a b\"\n"), 4, "name must be 1 to 40"),
        (SLACK.replace("slack", "teams"), 2, "\"webhook\", \"slack\", \"discord\", \"ntfy\""),
        ("[[notifications]]\nto = \"ntfy\"\ntopic = \"a/b\"\n".to_owned(), 3, "topic must be"),
        (
            "[[notifications]]\nto = \"ntfy\"\ntopic = \"a\"\npriority = 9\n".to_owned(),
            4,
            "priority must",
        ),
        ("public_url = \"sprint.example.org\"\n".to_owned(), 1, "public_url must begin with"),
        ("public_url = \"https://a.b/?token=x\"\n".to_owned(), 1, "must not have a query"),
    ] {
        let error = refused(&text);
        assert!(error.starts_with(&format!("sprint-runner.toml:{line}:")), "{text}\n{error}");
        assert!(error.contains(words), "{text}\n{error}");
    }
    let many: String = (0..21)
        .map(|n| format!("[[notifications]]\nname = \"n{n}\"\nto = \"ntfy\"\ntopic = \"a\"\n"))
        .collect();
    assert!(refused(&many).contains("more than 20"));
}

#[test]
fn no_error_repeats_what_may_be_a_secret() {
    let secret = "T0SECRETX9";
    for text in [
        format!("[[notifications]]\nto = \"https://hooks.slack.com/{secret}\"\n"),
        format!(
            "[[notifications]]\nto = \"slack\"\nurl_env = \"https://hooks.slack.com/{secret}\"\n"
        ),
        format!("[[notifications]]\nto = \"slack\"\nurl = \"ftp://hooks.slack.com/{secret}\"\n"),
        format!("[[notifications]]\nto = \"slack\"\nurl = \"https://me:{secret}@slack.com/\"\n"),
        format!("[[notifications]]\nto = \"slack\"\nurl = \"https://slack.com/{secret} x\"\n"),
        format!("[[notifications]]\nto = \"slack\"\nurl = \"https:///{secret}\"\n"),
        format!("[[notifications]]\nto = \"slack\"\nurl = [\"https://slack.com/{secret}\"]\n"),
        format!("[[notifications]]\nto = \"ntfy\"\ntopic = \"a/{secret}\"\n"),
        format!("[[notifications]]\nto = \"ntfy\"\ntopic = \"a\"\ntoken_env = \"tk-{secret}\"\n"),
        format!("[[notifications]]\nto = \"ntfy\"\ntopic = \"a\"\npriority = \"{secret}\"\n"),
        format!("[[notifications]]\nto = \"slack\"\non = [\"{secret}\"]\n"),
        format!("[[notifications]]\nname = \"{secret}/\"\n"),
    ] {
        let error = refused(&text);
        assert!(!error.contains(secret), "{error}");
    }
}

#[test]
fn the_configuration_can_be_printed() {
    let text = "[[notifications]]\nto = \"slack\"\nurl = \"https://a.b/T0SECRETX9\"\n\
                [[notifications]]\nto = \"ntfy\"\ntopic = \"T0SECRETX9\"\n";
    let layer = file::parse(text).unwrap();
    let shown = format!("{layer:?} {:?}", Config::from(layer.clone()));
    assert!(!shown.contains("T0SECRETX9"), "{shown}");
}

#[test]
fn the_variables_of_secrets_are_none_of_an_agents() {
    let text = format!(
        "{SLACK}[[notifications]]\nto = \"ntfy\"\ntopic_env = \"T\"\ntoken_env = \"U\"\n\
         [[notifications]]\nto = \"webhook\"\nurl_env = \"V\"\nsecret_env = \"W\"\n"
    );
    let config = Config::from(file::parse(&text).unwrap());
    assert_eq!(config.agents.secret_variables(), ["SLACK_URL", "U", "T", "V", "W"]);
}

#[test]
fn the_public_address_ends_with_a_slash() {
    for text in ["https://a.b", "https://a.b/", "https://a.b//"] {
        assert_eq!(parse_public_url(text).unwrap(), "https://a.b/");
    }
    assert_eq!(
        parse_public_url(" http://10.0.0.1:8080/sprint ").unwrap(),
        "http://10.0.0.1:8080/sprint/"
    );
    assert!(parse_public_url("https://me:pw@a.b/").is_err());
}
