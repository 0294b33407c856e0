//! What each target is sent, and that words from files are words there.

use std::ffi::OsString;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::config::notifications::{NotificationConfig, Rule};
use crate::config::{Config, parse_file};
use crate::notifications::occasion::{Occasion, blank};

const NOW: i64 = 1_763_770_200_000;

/// What a hostile file may hold: markup and mentions of every target.
const EVIL: &str = "@everyone <!channel> <@U123> <https://evil.example|click> **b** `c` [x](https://evil.example) & ~s~";

fn config(toml: &str) -> NotificationConfig {
    let layer = parse_file(&format!("[[notifications]]\n{toml}")).unwrap();
    Config::from(layer).notifications.remove(0)
}

fn target(toml: &str) -> Target {
    let lookup = |name: &str| match name {
        "TOKEN" => Some(OsString::from("tk_very_secret")),
        "SIGN" => Some(OsString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
        _ => None,
    };
    Target::resolve(&config(toml), &lookup).unwrap()
}

fn story(key: &str, id: u64) -> Occasion {
    Occasion {
        subject: key.to_owned(),
        event_id: id,
        since_ms: NOW - 720_000,
        detail: Some("code-review-10 failed: 2 findings are left".to_owned()),
        story_key: Some(key.to_owned()),
        batch_id: Some(7),
        event: Some(json!({ "id": id, "type": "story:status" })),
        ..blank(Rule::StoryBlocked, format!("{key} is blocked"), "mend it")
    }
}

fn delivery(occasions: Vec<Occasion>, more: usize) -> Delivery {
    Delivery {
        id: "3fa9c1d2-12-story_blocked-1763769480000".to_owned(),
        rule: occasions[0].rule,
        project: "lantern".to_owned(),
        occasions,
        more,
        made_ms: NOW,
        failures: 0,
        next_try_ms: NOW,
    }
}

fn message(delivery: &Delivery) -> Message {
    Message::of(delivery, Some("https://sprint.example.org/"), &TimeZone::UTC)
}

fn sent(toml: &str, delivery: &Delivery) -> (Vec<(&'static str, String)>, Value) {
    let Outgoing { headers, body } =
        outgoing(&target(toml), delivery, &message(delivery), NOW, false);
    (headers, serde_json::from_slice(&body).unwrap())
}

const SLACK: &str = "to = \"slack\"\nurl = \"https://hooks.slack.com/services/T0/B0/xyz\"";
const DISCORD: &str = "to = \"discord\"\nurl = \"https://discord.com/api/webhooks/1/abc\"";
const NTFY: &str = "to = \"ntfy\"\ntopic = \"lantern-4711\"\ntoken_env = \"TOKEN\"";
const WEBHOOK: &str = "to = \"webhook\"\nurl = \"https://example.org/hook\"\ntoken_env = \"TOKEN\"\nsecret_env = \"SIGN\"";

#[test]
fn slack_is_sent_text_and_blocks() {
    let (_, body) = sent(SLACK, &delivery(vec![story("1-1-skeleton", 12)], 0));
    insta::assert_json_snapshot!("slack", body);
}

#[test]
fn discord_is_sent_an_embed() {
    let (_, body) = sent(DISCORD, &delivery(vec![story("1-1-skeleton", 12)], 0));
    insta::assert_json_snapshot!("discord", body);
}

#[test]
fn ntfy_is_sent_json_with_its_topic() {
    let (headers, body) = sent(NTFY, &delivery(vec![story("1-1", 12), story("1-2", 13)], 4));
    assert!(headers.contains(&("authorization", "Bearer tk_very_secret".to_owned())));
    insta::assert_json_snapshot!("ntfy", body);
    let (_, body) = sent(
        &format!("{NTFY}\npriority = \"urgent\"\ntags = [\"skull\"]"),
        &delivery(vec![story("1-1", 12)], 0),
    );
    assert_eq!((&body["priority"], &body["tags"]), (&json!(5), &json!(["skull"])));
}

#[test]
fn ntfys_topic_may_stand_in_its_address() {
    let target = target("to = \"ntfy\"\nurl = \"https://ntfy.example.org/lantern-4711\"");
    assert_eq!(target.topic(), Some("lantern-4711"));
    assert_eq!(target.url(), "https://ntfy.example.org/");
    let none = config("to = \"ntfy\"\nurl = \"https://ntfy.example.org\"");
    assert!(Target::resolve(&none, &|_| None).unwrap_err().contains("no topic"));
}

#[test]
fn a_webhook_is_sent_versioned_json_and_a_signature() {
    let (headers, body) = sent(WEBHOOK, &delivery(vec![story("1-1-skeleton", 12)], 0));
    insta::assert_json_snapshot!("webhook", body);
    insta::assert_json_snapshot!("webhook_headers", headers);
}

#[test]
fn the_signature_is_that_of_the_standard() {
    // RFC 4231, test case 2.
    let mac = webhook::sign(b"Jefe", b"what do ya want for nothing?");
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn words_from_files_mention_nobody_and_format_nothing() {
    let mut evil = story(EVIL, 12);
    evil.detail = Some(EVIL.to_owned());
    let mut delivery = delivery(vec![evil], 0);
    delivery.project = EVIL.to_owned();

    let (_, slack) = sent(SLACK, &delivery);
    let blocks = slack["blocks"].as_array().unwrap();
    for block in &blocks[..2] {
        assert_eq!(block["text"]["type"], "plain_text", "no markup is read there");
    }
    let link = blocks[2]["elements"][0]["text"].as_str().unwrap();
    assert_eq!(link.matches(['<', '>', '|']).count(), 3, "{link}");
    let text = slack["text"].as_str().unwrap();
    assert!(!text.contains('<') && text.contains("&lt;!channel&gt;") && text.contains("&amp;"));

    let (_, discord) = sent(DISCORD, &delivery);
    assert_eq!(discord["allowed_mentions"], json!({ "parse": [] }));
    for key in ["title", "description"] {
        let text = discord["embeds"][0][key].as_str().unwrap();
        assert!(!text.replace("\\://", "").contains("://"), "an address in {text}");
        let mut before = ' ';
        for c in text.chars() {
            let mark = "@<>*`[]()~|_#".contains(c);
            assert!(!mark || before == '\\', "{c} means something in {text}");
            before = if before == '\\' && c == '\\' { ' ' } else { c };
        }
    }

    let (_, ntfy) = sent(NTFY, &delivery);
    assert!(ntfy.get("markdown").is_none(), "plain text");
}

#[test]
fn however_much_there_is_each_target_takes_it() {
    let mut large = story(&"k".repeat(400), 12);
    large.headline = "🚀".repeat(400);
    large.detail = Some("*".repeat(300));
    let delivery = delivery(vec![large; 20], 1000);
    let (_, slack) = sent(SLACK, &delivery);
    assert!(slack["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
    assert!(slack["blocks"][1]["text"]["text"].as_str().unwrap().chars().count() <= 3000);
    let (_, discord) = sent(DISCORD, &delivery);
    assert!(discord["embeds"][0]["title"].as_str().unwrap().chars().count() <= 256);
    assert!(discord["embeds"][0]["description"].as_str().unwrap().chars().count() <= 4096);
    let (_, ntfy) = sent(NTFY, &delivery);
    assert!(ntfy["message"].as_str().unwrap().len() <= 4096);
}

#[test]
fn links_lead_to_what_is_told() {
    let link = |delivery: &Delivery| message(delivery).link.unwrap();
    let base = "https://sprint.example.org/";
    let one = delivery(vec![story("1-1 a&b", 12)], 0);
    assert_eq!(link(&one), format!("{base}#overview?detail=1-1+a%26b"));
    assert_eq!(
        link(&delivery(vec![story("1-1", 12), story("1-2", 13)], 0)),
        format!("{base}#overview")
    );
    let end = Occasion { batch_id: Some(7), ..blank(Rule::BatchEnded, String::new(), "") };
    assert_eq!(link(&delivery(vec![end], 0)), format!("{base}?batch=7#run"));
    assert_eq!(Message::of(&one, None, &TimeZone::UTC).link, None);
}

#[test]
fn no_secret_is_shown() {
    let target = target(
        "to = \"webhook\"\nurl = \"https://example.org/services/T0LONGPART/x?key=abcdefgh\"\n\
         token_env = \"TOKEN\"\nsecret_env = \"SIGN\"",
    );
    let shown = format!("{target:?}");
    let echoed = target.without_secrets(
        "no https://example.org/services/T0LONGPART/x?key=abcdefgh, T0LONGPART, abcdefgh, \
         tk_very_secret, whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw here",
    );
    for secret in ["T0LONGPART", "abcdefgh", "tk_very_secret", "MfKQ9r8GK"] {
        assert!(!shown.contains(secret) && !echoed.contains(secret), "{secret}: {shown} {echoed}");
    }
    assert_eq!(echoed, "no ***, ***, ***, ***, *** here");
}

#[test]
fn what_is_missing_is_named_and_what_is_there_is_not() {
    let error = |toml: &str, value: Option<&str>| {
        let lookup = |_: &str| value.map(OsString::from);
        Target::resolve(&config(toml), &lookup).unwrap_err()
    };
    let slack = "to = \"slack\"\nurl_env = \"SLACK_URL\"";
    assert_eq!(error(slack, None), "the environment variable SLACK_URL is not set");
    assert_eq!(error(slack, Some("")), "the environment variable SLACK_URL is not set");
    for secret in ["hooks.slack.com/secret", "https://user:secret@host/", "https://:80/secret"] {
        let error = error(slack, Some(secret));
        assert!(error.contains("SLACK_URL") && !error.contains("secret"), "{error}");
    }
    let topic = error("to = \"ntfy\"\ntopic_env = \"TOPIC\"", Some("my secret"));
    assert!(topic.contains("TOPIC") && !topic.contains("secret"), "{topic}");
}

#[test]
fn plain_http_is_told_unless_it_stays_at_home() {
    for (url, told) in [
        ("http://example.org/x", true),
        ("http://10.0.0.1/x", true),
        ("http://127.0.0.1:9/x", false),
        ("http://[::1]:9/x", false),
        ("http://localhost/x", false),
        ("https://example.org/x", false),
    ] {
        let target = target(&format!("to = \"webhook\"\nurl = \"{url}\""));
        assert_eq!(target.travels_readable(), told, "{url}");
    }
}
