//! Pages of the log: from the live server, or read-only from the database while none runs.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::store::Queries;
use crate::store::rows::{EventFilter, Range};

use super::client::Server;
use super::place::Found;

/// The largest page the server gives.
pub(crate) const LARGEST: u64 = 1000;

/// Which events are wanted; an empty list does not filter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) types: Vec<String>,
    pub(crate) stories: Vec<String>,
}

/// One page, ids ascending.
pub(crate) struct Page {
    /// Each event's JSON.
    pub(crate) events: Vec<String>,
    /// The `after` of the following page.
    pub(crate) next: Option<u64>,
    /// The log's highest id.
    pub(crate) head: u64,
}

/// Where pages come from.
pub(crate) struct Pages<'a> {
    from: From,
    filter: &'a Filter,
}

enum From {
    Server(Server),
    Database(Queries),
}

impl<'a> Pages<'a> {
    /// The live server's, else the database's; `None` when there is neither.
    pub(crate) fn open(found: &Found, filter: &'a Filter) -> anyhow::Result<Option<Self>> {
        match Server::find(&found.state_folders()) {
            Some(server) => Ok(Some(Self { from: From::Server(server), filter })),
            None => Self::of_database(found, filter),
        }
    }

    /// The database's; `None` where there is none. Makes no database.
    pub(crate) fn of_database(found: &Found, filter: &'a Filter) -> anyhow::Result<Option<Self>> {
        Ok(found.kept()?.map(|kept| Self { from: From::Database(kept.queries), filter }))
    }

    pub(crate) async fn newest(&self, limit: u64) -> anyhow::Result<Page> {
        self.page(Range::Newest, limit).await
    }

    pub(crate) async fn before(&self, id: u64, limit: u64) -> anyhow::Result<Page> {
        self.page(Range::Before(id), limit).await
    }

    pub(crate) async fn after(&self, id: u64, limit: u64) -> anyhow::Result<Page> {
        self.page(Range::After(id), limit).await
    }

    async fn page(&self, range: Range, limit: u64) -> anyhow::Result<Page> {
        match &self.from {
            From::Server(server) => {
                let body = server.get(&self.filter.page_path(range, limit)).await?;
                let answer: Answer = serde_json::from_slice(&body)
                    .context("the server's answer is not what was expected")?;
                Ok(Page {
                    events: answer.events.iter().map(|event| event.get().to_owned()).collect(),
                    next: answer.next,
                    head: answer.head,
                })
            }
            From::Database(queries) => {
                let page =
                    queries.events(range, &self.filter.of_store(), limit.min(LARGEST) as u32)?;
                let events: Result<_, _> =
                    page.events.iter().map(|event| serde_json::to_string(&event.wire())).collect();
                Ok(Page { events: events?, next: page.next, head: page.head })
            }
        }
    }
}

/// The answer of `/api/events`.
#[derive(Deserialize)]
struct Answer {
    events: Vec<Box<RawValue>>,
    next: Option<u64>,
    head: u64,
}

impl Page {
    /// The id of its first event.
    pub(crate) fn first_id(&self) -> Option<u64> {
        self.events.first().and_then(|event| id_of(event))
    }

    /// Up to where the log was looked through: the head, or an event that came while the page was
    /// made.
    pub(crate) fn end(&self) -> u64 {
        let last = self.events.last().and_then(|event| id_of(event));
        last.unwrap_or(0).max(self.head)
    }
}

fn id_of(event: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Id {
        id: u64,
    }
    serde_json::from_str::<Id>(event).ok().map(|event| event.id)
}

impl Filter {
    /// The same for the database.
    pub(crate) fn of_store(&self) -> EventFilter {
        EventFilter {
            kinds: self.types.clone(),
            stories: self.stories.clone(),
            ..EventFilter::default()
        }
    }

    /// `/api/events?…` for one page.
    fn page_path(&self, range: Range, limit: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match range {
            Range::Newest => {}
            Range::After(id) => {
                query.append_pair("after", &id.to_string());
            }
            Range::Before(id) => {
                query.append_pair("before", &id.to_string());
            }
        }
        query.append_pair("limit", &limit.min(LARGEST).to_string());
        self.append(&mut query);
        format!("/api/events?{}", query.finish())
    }

    /// The query of `/sse`, with its question mark; empty without a filter.
    pub(crate) fn stream_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        self.append(&mut query);
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    fn append(&self, query: &mut form_urlencoded::Serializer<'_, String>) {
        if !self.types.is_empty() {
            query.append_pair("type", &self.types.join(","));
        }
        if !self.stories.is_empty() {
            query.append_pair("story", &self.stories.join(","));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_encoded() {
        let filter =
            Filter { types: vec!["command:*".into(), "a&b".into()], stories: vec!["2 a".into()] };
        assert_eq!(filter.stream_query(), "?type=command%3A*%2Ca%26b&story=2+a");
        assert_eq!(Filter::default().stream_query(), "");
        assert_eq!(
            Filter::default().page_path(Range::After(7), 9999),
            "/api/events?after=7&limit=1000"
        );
    }
}
