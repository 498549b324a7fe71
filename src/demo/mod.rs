//! Demo content: an Indonesian AI-news page, so that a first start has something to show. Written for this
//! project; people, organisations and addresses in it are invented.

mod bodies;

use chrono::TimeDelta;
use diesel::{dsl::exists, prelude::*};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    articles::{
        store,
        workflow::{
            edit,
            transition::{self, Transition},
        },
    },
    context::{Context, Services},
    error::{ApiError, ApiResult},
    events::{self, Actor, EventType, SubjectType},
    http::body::parse,
    principal::{Principal, Role},
    schema::{articles, editors, events as record},
    sources::{self, SourceInput},
    tags::{self, TagInput},
    values::Reference,
};

const CONTENT: &str = include_str!("content.json");

/// The event that keeps a second start from loading it again.
const LOADED: EventType = EventType::DemoLoaded;

#[derive(Deserialize)]
struct Content {
    tags: Vec<Value>,
    sources: Vec<Value>,
    articles: Vec<Story>,
}

#[derive(Deserialize)]
struct Story {
    slug: String,
    published: bool,
    published_days_ago: f64,
    #[serde(flatten)]
    input: Value,
}

/// Loads the content in the name of the first admin, once in the life of a database, and only where there is
/// no article yet.
pub(crate) async fn load(services: &Services) -> ApiResult<bool> {
    if services.database.is_read_only() {
        return Ok(false);
    }
    let mut conn = services.database.get().await?;
    conn.transaction(async |conn| {
        let Some(editor_id) = first_admin(conn).await? else { return Ok(false) };
        if has_content(conn).await? {
            return Ok(false);
        }
        let principal = Principal { editor_id, session_id: Uuid::nil(), role: Role::Admin };
        let content: Content = serde_json::from_str(CONTENT).map_err(ApiError::internal)?;
        let context = Context::of_process(services, LOADED.as_str());
        insert_tags(conn, &context, principal, content.tags).await?;
        insert_sources(conn, &context, principal, content.sources).await?;
        for story in content.articles {
            insert_article(conn, services, principal, story).await?;
        }
        let subject = (SubjectType::Instance, Uuid::nil());
        events::record(conn, &context.clock, context.now(), &Actor::SYSTEM, LOADED, subject, json!({}))
            .await?;
        Ok(true)
    })
    .await
}

/// The oldest admin, locked, so that instances which start together load it once.
async fn first_admin(conn: &mut AsyncPgConnection) -> QueryResult<Option<Uuid>> {
    let admins = editors::table.filter(editors::role.eq(Role::Admin)).order(editors::created_at);
    admins.select(editors::id).for_update().first(conn).await.optional()
}

async fn has_content(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let loaded = record::table.filter(record::type_.eq(LOADED));
    diesel::select(exists(articles::table.select(articles::id)).or(exists(loaded))).get_result(conn).await
}

async fn insert_tags(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    tags: Vec<Value>,
) -> ApiResult<()> {
    for tag in tags {
        let input: TagInput = parse(tag).map_err(ApiError::invalid_body)?;
        tags::workflow::create(conn, context, principal, input).await?;
    }
    Ok(())
}

async fn insert_sources(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    sources: Vec<Value>,
) -> ApiResult<()> {
    for source in sources {
        let input: SourceInput = parse(source).map_err(ApiError::invalid_body)?;
        sources::workflow::create(conn, context, principal, input).await?;
    }
    Ok(())
}

async fn insert_article(
    conn: &mut AsyncPgConnection,
    services: &Services,
    principal: Principal,
    mut story: Story,
) -> ApiResult<()> {
    let context = Context::of_process(services, LOADED.as_str());
    // As if it had been written then: a feed of stories that were all changed a moment ago would show
    // nothing.
    #[expect(clippy::cast_possible_truncation, reason = "a month of minutes fits")]
    let minutes = (story.published_days_ago * 24.0 * 60.0) as i64;
    let context = context.set_back(TimeDelta::minutes(minutes));
    story.input["slug"] = json!(story.slug);
    story.input["body"] = json!(bodies::of(&story.slug));
    let id = context.clock.new_id();
    let (rendering, _) = edit::render(principal, &story.input).await?;
    edit::create(conn, &context, principal, id, story.input, rendering, false).await?;
    if story.published {
        let locked = store::lock(conn, &Reference::Id(id)).await?;
        // The first admin wrote it all. Where the newsroom asks for review, the record says that there was
        // none.
        let publish = Transition::Publish { at: None, override_reason: Some("Demo content".to_owned()) };
        transition::perform(conn, &context, principal, &locked, &publish).await?;
    }
    Ok(())
}
