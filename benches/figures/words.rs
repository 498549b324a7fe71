//! Texts: words by Zipf's law in two languages, and the paragraphs that bodies are made of.
//!
//! All bodies are made of the same few thousand paragraphs. So what search has of each is worked out once by
//! Postgres, and put together for each body; see [`crate::fill::search`].

use warta::articles::model::markdown::render;

use crate::outcome::{Outcome, about};

/// In more than half of all Indonesian articles.
pub(crate) const COMMON: &str = "pemerintah";

/// In about one of a thousand articles.
pub(crate) const RARE: &str = "zirkonium";

/// How many different paragraphs a language has.
const PARAGRAPHS: usize = 4000;

/// The paragraph that has the rare word.
const RARE_PARAGRAPH: usize = 17;

/// How many words a language has.
const VOCABULARY: usize = 20_000;

/// Words of a paragraph.
const LENGTH: usize = 60;

const INDONESIAN: &str = "yang dan di dengan untuk dari pada ini itu dalam akan tidak juga oleh kepada karena pemerintah warga \
     kota harga data tahun jalan sekolah air beras petani pasar laporan bahasa kerja rumah hutan banjir nelayan dokter \
     anggaran teknologi kecerdasan buatan model penelitian kebijakan menteri layanan aplikasi kapal listrik angka";

const ENGLISH: &str = "the of and to in for with on that is was by from at as government city price data year road school \
     water rice farmer market report language work house forest flood fishery doctor budget technology model research \
     policy minister service application ship power number";

/// Numbers that look random and are the same each time (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Those of one thing.
    pub(crate) fn of(thing: u64) -> Self {
        Self(thing.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end.max(1) as u64) as usize
    }

    /// From 0 to 1.
    fn part(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Chooses by Zipf's law: the first of all most often.
#[derive(Debug)]
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    /// Of so many.
    pub(crate) fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let sums = (0..count).map(|rank| {
            sum += 1.0 / (rank as f64 + 2.0);
            sum
        });
        Self(sums.collect())
    }

    /// The rank of one.
    pub(crate) fn choose(&self, dice: &mut Dice) -> usize {
        let point = dice.part() * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum <= point).min(self.0.len().saturating_sub(1))
    }
}

/// A paragraph of a body.
#[derive(Clone, Debug)]
pub(crate) struct Paragraph {
    /// As it is written.
    pub(crate) markdown: String,
    /// As it is shown, in one line.
    pub(crate) html: String,
    /// How many words it has.
    pub(crate) words: i32,
}

/// A language to write in.
#[derive(Debug)]
pub(crate) struct Tongue {
    /// Its tag.
    pub(crate) tag: &'static str,
    words: Vec<String>,
    /// How many of the words are real ones.
    real: usize,
    zipf: Zipf,
    /// What bodies are made of.
    pub(crate) paragraphs: Vec<Paragraph>,
}

impl Tongue {
    /// Indonesian and English.
    pub(crate) fn both() -> Outcome<[Self; 2]> {
        Ok([Self::new("id", INDONESIAN, 16)?, Self::new("en", ENGLISH, 15)?])
    }

    /// `function_words` of the real words are such that no sentence ends with.
    fn new(tag: &'static str, real: &str, function_words: usize) -> Outcome<Self> {
        let mut dice = Dice::of(tag.bytes().map(u64::from).sum());
        let mut words: Vec<String> = real.split_whitespace().map(str::to_owned).collect();
        let real = words.len();
        while words.len() < VOCABULARY {
            words.push(invented(&mut dice));
        }
        let zipf = Zipf::new(words.len());
        let mut tongue = Self { tag, words, real: function_words.min(real), zipf, paragraphs: Vec::new() };
        for number in 0..PARAGRAPHS {
            let paragraph = tongue.paragraph(&mut dice, number)?;
            tongue.paragraphs.push(paragraph);
        }
        tongue.check()?;
        Ok(tongue)
    }

    fn paragraph(&self, dice: &mut Dice, number: usize) -> Outcome<Paragraph> {
        let mut sentences = Vec::new();
        for _ in 0..LENGTH / 15 {
            let mut words: Vec<_> = (0..14).map(|_| self.words[self.zipf.choose(dice)].clone()).collect();
            // What a sentence ends with is a word that search keeps: the next one's places count from it.
            words.push(self.name(dice).to_owned());
            if number.is_multiple_of(5) {
                words[3] = format!("**{}**", words[3]);
            }
            if number.is_multiple_of(7) {
                words[5] = format!("[{}](https://arsip.example/{number})", words[5]);
            }
            sentences.push(format!("{}.", capitalised(&words.join(" "))));
        }
        if self.tag == "id" && number == RARE_PARAGRAPH {
            sentences.insert(0, format!("Cadangan {RARE} bertambah banyak."));
        }
        let markdown = sentences.join(" ");
        let rendered = render(&markdown).map_err(|_| "a paragraph is too complex")?;
        Ok(Paragraph { markdown, html: rendered.html.trim_end().to_owned(), words: rendered.word_count })
    }

    /// A body is rendered to what its paragraphs are rendered to.
    fn check(&self) -> Outcome<()> {
        let some = &self.paragraphs[..36];
        let body = some.iter().map(|paragraph| &*paragraph.markdown).collect::<Vec<_>>().join("\n\n");
        let html = some.iter().map(|paragraph| format!("{}\n", paragraph.html)).collect::<String>();
        let rendered = render(&body).map_err(|_| "a body is too complex")?;
        let words: i32 = some.iter().map(|paragraph| paragraph.words).sum();
        if rendered.html.trim_end() == html.trim_end() && rendered.word_count == words {
            return Ok(());
        }
        Err(about("paragraphs")(format!("{}\nis not\n{html}", rendered.html)))
    }

    /// A word that is no function word.
    pub(crate) fn name(&self, dice: &mut Dice) -> &str {
        let rank = self.zipf.choose(dice);
        &self.words[if rank < self.real { self.real + rank } else { rank }]
    }

    /// So many words that begin with a capital letter.
    pub(crate) fn phrase(&self, dice: &mut Dice, length: usize) -> String {
        capitalised(&(0..length).map(|_| self.name(dice)).collect::<Vec<_>>().join(" "))
    }
}

/// A word of two to four syllables.
fn invented(dice: &mut Dice) -> String {
    let consonants =
        ["b", "c", "d", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "w", "ng", "ny", "tr"];
    let vowels = ["a", "a", "i", "u", "e", "o"];
    let mut word = String::new();
    for _ in 0..2 + dice.below(3) {
        word += consonants[dice.below(consonants.len())];
        word += vowels[dice.below(vowels.len())];
    }
    // Ends with a consonant now and then; never like a function word.
    word + ["l", "r", "k", "s", "h", "mp"][dice.below(6)]
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
