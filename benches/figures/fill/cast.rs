//! Who and what the stories are about: editors, tags and sources.

use tokio_postgres::Client;
use uuid::Uuid;
use warta::{
    auth::secret::Password,
    clock::Clock,
    database::{Database, DatabaseUrl},
    editors::{self, command::new_editor},
    events::Actor,
    values::FromText,
};

use crate::{
    outcome::Outcome,
    words::{Dice, Tongue, Zipf},
};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "kata sandi ukur yang panjang";

const EDITORS: usize = 30;
const TAGS: usize = 200;
const SOURCES: usize = 500;

/// The address of an editor. The first twenty may publish.
pub(crate) fn email(number: usize) -> String {
    format!("penyunting-{number}@warta.example")
}

/// A tag's slug, by how popular it is: 0 is the most.
pub(crate) fn tag(rank: usize) -> String {
    format!("topik-{rank}")
}

/// A source's slug, by how popular it is: 0 is the most.
pub(crate) fn source(rank: usize) -> String {
    format!("sumber-{rank}")
}

/// The rank of the least popular tag and of the least popular source.
pub(crate) const RAREST: (usize, usize) = (TAGS - 1, SOURCES - 1);

/// A tag or a source.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) name: String,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) editors: Vec<Uuid>,
    pub(crate) tags: Vec<Named>,
    pub(crate) popular_tag: Zipf,
    pub(crate) sources: Vec<Named>,
    pub(crate) popular_source: Zipf,
}

impl Cast {
    /// Makes them.
    pub(crate) async fn make(url: &DatabaseUrl, client: &Client, tongue: &Tongue) -> Outcome<Self> {
        let database = Database::connect(url, 1).await?;
        let clock = Clock::default();
        let password = Password::from_text(PASSWORD.to_owned()).map_err(|error| error.detail)?;
        let mut found = Vec::with_capacity(EDITORS);
        {
            let mut conn = database.get().await?;
            for number in 0..EDITORS {
                let role = if number < 20 { "editor" } else { "writer" };
                let (address, name) = (email(number), tongue.phrase(&mut Dice::of(number as u64), 2));
                let new = new_editor(&address, &name, role, &password).await?;
                let editor =
                    editors::workflow::create(&mut conn, &clock, clock.now(), &Actor::SYSTEM, new).await;
                found.push(editor.map_err(|error| error.to_string())?.id);
            }
        }
        database.close();
        let named = |count: usize, slug: fn(usize) -> String| -> Vec<Named> {
            let name = |rank: usize| tongue.phrase(&mut Dice::of(rank as u64 + 1000), 2);
            (0..count).map(|rank| Named { id: clock.new_id(), slug: slug(rank), name: name(rank) }).collect()
        };
        let (tags, sources) = (named(TAGS, tag), named(SOURCES, source));
        client.batch_execute(&statements(&tags, &sources)).await?;
        Ok(Self {
            editors: found,
            popular_tag: Zipf::new(tags.len()),
            tags,
            popular_source: Zipf::new(sources.len()),
            sources,
        })
    }
}

impl Named {
    /// A source's page.
    pub(crate) fn homepage(&self) -> String {
        format!("https://{}.example/", self.slug)
    }
}

/// One transaction that makes tags and sources. The first ten tags are the menu.
fn statements(tags: &[Named], sources: &[Named]) -> String {
    let mut sql = String::from("begin;");
    for (rank, Named { id, slug, name }) in tags.iter().enumerate() {
        let position = if rank < 10 { rank.to_string() } else { "null".to_owned() };
        sql += &format!(
            "insert into tag_names values ('{id}', '{id}'), ('{slug}', '{id}');
             insert into tags (id, slug, name, description, menu, position, created_at, updated_at)
             values ('{id}', '{slug}', '{name}', '', {rank} < 10, {position}, now(), now());"
        );
    }
    for source @ Named { id, slug, name } in sources {
        sql += &format!(
            "insert into sources (id, slug, name, homepage_url, description, created_at, updated_at)
             values ('{id}', '{slug}', '{name}', '{}', '', now(), now());",
            source.homepage()
        );
    }
    sql + "commit;"
}
