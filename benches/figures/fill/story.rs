//! What each article is: worked out from its number alone, so that several connections can fill at a time.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uuid::{Builder, Uuid};

use super::cast::Cast;
use crate::words::{Dice, Paragraph, Tongue};

/// How many paragraphs a body has, of about 420 bytes each.
const PARAGRAPHS: usize = 2;

/// How far back the first article is.
const YEARS: i64 = 6;

/// One article.
#[derive(Debug)]
pub(crate) struct Story<'a> {
    pub(crate) id: Uuid,
    pub(crate) writer: Uuid,
    pub(crate) language: &'static str,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) body: Vec<&'a Paragraph>,
    /// The first article of its translations, which the group is called after.
    pub(crate) group: Uuid,
    pub(crate) created: DateTime<Utc>,
    /// When readers first saw it, where they did.
    pub(crate) published: Option<DateTime<Utc>>,
    pub(crate) retracted: bool,
    /// Whether its draft is ahead of what readers see.
    pub(crate) ahead: bool,
    pub(crate) corrected: bool,
    /// Places in the cast.
    pub(crate) tags: Vec<usize>,
    /// Places in the cast.
    pub(crate) sources: Vec<usize>,
}

/// What all stories have in common.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) tongues: [Tongue; 2],
    pub(crate) cast: Cast,
    /// How many stories there are.
    pub(crate) count: u64,
    pub(crate) now: DateTime<Utc>,
}

impl World {
    /// A story.
    pub(crate) fn story(&self, number: u64) -> Story<'_> {
        let mut dice = Dice::of(number);
        let created = self.created(number);
        let tongue = &self.tongues[usize::from(number % 5 == 4)];
        let title = tongue.phrase(&mut dice, 7);
        let summary = format!("{}.", tongue.phrase(&mut dice, 18));
        let is_live = dice.below(100) >= 5 || is_translation(number) || is_translation(number + 1);
        Story {
            id: self.id(number),
            writer: self.cast.editors[dice.below(self.cast.editors.len())],
            language: tongue.tag,
            slug: format!("{}-{number}", title.to_lowercase().replace(' ', "-")),
            title,
            summary,
            body: (0..PARAGRAPHS).map(|_| &tongue.paragraphs[dice.below(tongue.paragraphs.len())]).collect(),
            group: self.id(if is_translation(number) { number - 1 } else { number }),
            created,
            published: is_live.then(|| created + TimeDelta::minutes(1)),
            retracted: is_live && number % 1000 == 7,
            ahead: is_live && number % 40 == 3,
            corrected: is_live && number % 100 == 11,
            tags: distinct(1 + dice.below(5), || self.cast.popular_tag.choose(&mut dice)),
            sources: distinct(1 + usize::from(number.is_multiple_of(3)), {
                let mut dice = Dice::of(!number);
                move || self.cast.popular_source.choose(&mut dice)
            }),
        }
    }

    /// Evenly over the years until yesterday.
    fn created(&self, number: u64) -> DateTime<Utc> {
        let span = TimeDelta::days(365 * YEARS).num_microseconds().unwrap_or(i64::MAX);
        let step = span / i64::try_from(self.count).unwrap_or(i64::MAX).max(1);
        let before = step * i64::try_from(self.count - number).unwrap_or_default();
        self.now - TimeDelta::days(1) - TimeDelta::microseconds(before)
    }

    fn id(&self, number: u64) -> Uuid {
        let mut dice = Dice::of(number ^ 0xa5a5);
        id_at(self.created(number), &mut dice)
    }
}

/// Every fiftieth story is the translation of the one before.
fn is_translation(number: u64) -> bool {
    number % 50 == 49
}

/// A UUIDv7 of that time.
pub(crate) fn id_at(time: DateTime<Utc>, dice: &mut Dice) -> Uuid {
    let millis = u64::try_from(time.timestamp_millis()).unwrap_or_default();
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&dice.bits().to_be_bytes());
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// A time as it is written.
pub(crate) fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn distinct(count: usize, mut choose: impl FnMut() -> usize) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let next = choose();
        if !chosen.contains(&next) {
            chosen.push(next);
        }
    }
    chosen
}

impl Story<'_> {
    /// Its text.
    pub(crate) fn markdown(&self) -> String {
        self.body.iter().map(|paragraph| &*paragraph.markdown).collect::<Vec<_>>().join("\n\n")
    }

    /// What its text is rendered to.
    pub(crate) fn html(&self) -> String {
        self.body.iter().map(|paragraph| format!("{}\n", paragraph.html)).collect()
    }

    /// How many words its text has.
    pub(crate) fn words(&self) -> i32 {
        self.body.iter().map(|paragraph| paragraph.words).sum()
    }

    /// Where its document at this place is.
    pub(crate) fn document(&self, place: usize) -> String {
        format!("https://sumber-{}.example/dokumen/{}-{place}", self.sources[place], self.id.simple())
    }
}
