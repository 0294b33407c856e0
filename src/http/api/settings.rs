//! `/api/settings`: the nine settings, kept in `settings.json`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::reply::Response;

use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{ErrorEvent, Payload, SettingsChanged};
use crate::domain::settings::Settings;
use crate::http::context::Context;
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{Asked, asked, exact};
use crate::hub::Publication;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let path = context.state_dir.join("settings.json");
    let (settings, trouble) = load(&path);
    if let Some(message) = trouble {
        tracing::warn!("{message}");
        let event = Payload::Error(ErrorEvent {
            kind: "settings".to_owned(),
            message,
            context: json!({ "file": "settings.json" }),
        });
        let event = NewEvent::new(now_ms(), Source::Server, event);
        // Whether or not anybody waits, it is appended.
        drop(context.hub.submit(Publication::events(vec![event])));
    }
    apply(context, &settings);
    let store = Arc::new(Mutex::new(Store { path, settings }));
    let context = context.clone();
    exact("/api/settings")
        .and(asked())
        .and(warp::body::bytes())
        .then(move |asked: Asked, body: Bytes| {
            let context = context.clone();
            let store = Arc::clone(&store);
            async move { answer(&context, &store, &asked, &body).await.unwrap_or_else(|r| r) }
        })
        .boxed()
}

struct Store {
    path: PathBuf,
    settings: Settings,
}

async fn answer(
    context: &Context,
    store: &Mutex<Store>,
    asked: &Asked,
    body: &[u8],
) -> Result<Response, Response> {
    reply::only(&asked.method, &[Method::GET, Method::HEAD, Method::PUT])?;
    let mut store = store.lock().await;
    if asked.method != Method::PUT {
        return Ok(reply::json(&store.settings));
    }
    let change: Value = serde_json::from_slice(body)
        .map_err(|error| bad(format!("the body is not valid JSON: {error}")))?;
    let settings = store.settings.with(&change).map_err(|error| bad(error.to_string()))?;
    let changed = settings.changes_since(&store.settings);
    if changed.is_empty() {
        return Ok(reply::json(&settings));
    }
    let path = store.path.clone();
    let text = serde_json::to_string_pretty(&settings).unwrap_or_default();
    let saved = tokio::task::spawn_blocking(move || save(&path, &text)).await;
    match saved {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(reply::internal(&error)),
        Err(error) => return Err(reply::internal(&error)),
    }
    store.settings = settings.clone();
    apply(context, &settings);
    let payload = Payload::SettingsChanged(SettingsChanged { changed });
    let event = NewEvent::new(now_ms(), Source::Server, payload);
    if let Err(error) = context.hub.publish(Publication::events(vec![event])).await {
        tracing::warn!(%error, "the settings are saved, but the log could not be told");
    }
    Ok(reply::json(&settings))
}

fn apply(context: &Context, settings: &Settings) {
    let seconds = settings.websocket_heartbeat_seconds.cast_unsigned();
    context.heartbeat_seconds.store(seconds, Ordering::Relaxed);
}

/// The saved settings; a file that cannot be read is kept aside and told.
fn load(path: &Path) -> (Settings, Option<String>) {
    let defaults = Settings::default();
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (defaults, None),
        Err(error) => {
            let message = format!("settings.json cannot be read ({error}); the defaults hold");
            return (defaults, Some(message));
        }
    };
    let read = serde_json::from_slice(&text)
        .map_err(|error| error.to_string())
        .and_then(|saved: Value| defaults.with(&saved).map_err(|error| error.to_string()));
    match read {
        Ok(settings) => (settings, None),
        Err(cause) => {
            let aside = (1..).map(|n| path.with_file_name(format!("settings.json.corrupt-{n}")));
            let aside = aside.into_iter().find(|aside| !aside.exists());
            let kept = aside.and_then(|aside| fs::rename(path, &aside).ok().map(|()| aside));
            let name = kept.as_ref().and_then(|kept| kept.file_name()).map_or_else(
                || "it was left where it is".to_owned(),
                |name| format!("it is kept as {}", name.to_string_lossy()),
            );
            (
                defaults,
                Some(format!("settings.json is broken ({cause}); {name}, the defaults hold")),
            )
        }
    }
}

/// By a temporary file and a rename, synced: a power cut leaves the old or the new one.
fn save(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_and_broken_ones_are_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.json");
        assert_eq!(load(&path), (Settings::default(), None));
        let changed = Settings { server_port: 81, ..Settings::default() };
        save(&path, &serde_json::to_string(&changed).unwrap()).unwrap();
        assert_eq!(load(&path), (changed, None));
        fs::write(&path, "{\"server_port\": \"x").unwrap();
        let (settings, trouble) = load(&path);
        assert_eq!(settings, Settings::default());
        assert!(trouble.unwrap().contains("settings.json.corrupt-1"));
        assert!(dir.path().join("settings.json.corrupt-1").exists() && !path.exists());
    }
}
