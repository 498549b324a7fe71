//! The shape of the source: which way imports point, how long files get, and what has no place in them.
//!
//! The paths are read from the text of the files: `crate::...` and `super::...`, in `use` declarations and
//! elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What everything may stand on.
const SHARED: [&str; 16] = [
    "auth",
    "blocking",
    "clock",
    "context",
    "database",
    "error",
    "events",
    "faults",
    "http",
    "pagination",
    "principal",
    "schema",
    "site",
    "surrogate",
    "values",
    "audit",
];

/// What Warta is about. None of them knows another one.
const FEATURES: [&str; 4] = ["articles", "editors", "sources", "tags"];

/// What stands on top, with all that it may import beside [`SHARED`].
const TOP: [(&str, &[&str]); 8] = [
    ("app", &["cache", "openapi", "articles", "editors", "feeds", "sources", "tags"]),
    ("cache", &[]),
    ("config", &[]),
    ("demo", &["articles", "sources", "tags"]),
    ("feeds", &["articles"]),
    ("openapi", &[]),
    // It also runs the features' workers.
    ("serve", &["app", "articles", "cache", "config", "demo", "editors"]),
    ("telemetry", &["config"]),
];

/// Imports from one file that [`SHARED`] and [`FEATURES`] do not allow, each for its reason.
const EXCEPTIONS: [(&str, &str); 1] = [
    // `warta editor` reads its own part of the command line.
    ("editors/command.rs", "config"),
];

/// The floors of a feature, from the roof down. Each stands on those below it.
const FLOORS: [&[&str]; 4] =
    [&["api", "command"], &["workflow"], &["store", "formats"], &["model", "filter", "input"]];

/// The longest file, in lines.
const MAX_LINES: usize = 400;

/// A file, as its module path without `mod`, with its text.
struct File {
    name: String,
    module: Vec<String>,
    text: String,
}

/// The Rust files below a folder of this crate, by name.
fn files(folder: &str) -> Vec<File> {
    fn collect(folder: &Path, root: &Path, files: &mut Vec<File>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                let module = name.trim_end_matches(".rs").split('/').map(str::to_owned);
                let module = module.filter(|part| part != "mod").collect();
                files.push(File { name, module, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!files.is_empty(), "no file in {folder}");
    files
}

/// The source without the two roots of the crate, which name every module.
fn modules() -> Vec<File> {
    files("src").into_iter().filter(|file| !matches!(&*file.name, "lib.rs" | "main.rs")).collect()
}

impl File {
    /// The text without comments, and without the tests that stand at its end.
    fn code(&self) -> String {
        let text = self.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let line = |line: &str| line.find("//").map_or(line, |start| &line[..start]).to_owned();
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Every path into this crate, from its root.
    fn imports(&self) -> BTreeSet<Vec<String>> {
        let code = self.code();
        let mut paths = BTreeSet::new();
        let parent = self.module[..self.module.len() - 1].to_vec();
        for (root, base) in [("crate::", Vec::new()), ("super::", parent)] {
            for (start, _) in code.match_indices(root) {
                // `$crate::` stands in what a macro writes elsewhere; a longer word is another crate's.
                let before = code[..start].chars().next_back().unwrap_or(' ');
                if !before.is_alphanumeric() && !matches!(before, '$' | '_' | ':') {
                    read_tree(&code[start + root.len()..], &base, &mut paths);
                }
            }
        }
        paths
    }
}

/// Reads `a::{b, c::d}` into its paths; returns what follows.
fn read_tree<'a>(mut code: &'a str, base: &[String], paths: &mut BTreeSet<Vec<String>>) -> &'a str {
    if let Some(group) = code.strip_prefix('{') {
        code = group;
        loop {
            code = code.trim_start_matches([' ', '\n', ',']);
            if code.is_empty() || code.starts_with('}') {
                return code.get(1..).unwrap_or_default();
            }
            code = read_tree(code, base, paths);
        }
    }
    let end = code.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '*')).unwrap_or(code.len());
    let (name, rest) = code.split_at(end);
    let path = [base, &[name.to_owned()]].concat();
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '{' | '*')) => {
            read_tree(rest, &path, paths)
        }
        _ => {
            paths.insert(path);
            // An alias, and whatever else cannot be part of a path.
            let next = rest.find([',', '}', ';', '{']).unwrap_or(rest.len());
            &rest[next.max(usize::from(name.is_empty()).min(rest.len()))..]
        }
    }
}

#[test]
fn imports_point_one_way() {
    let features: BTreeMap<&str, &[&str]> =
        FEATURES.iter().map(|feature| (*feature, &[][..])).chain(TOP).collect();
    let mut wrong = Vec::new();
    for file in modules() {
        let own = file.module[0].as_str();
        let more = match features.get(own) {
            Some(more) => *more,
            None => {
                assert!(
                    SHARED.contains(&own),
                    "{own} is a new module: say in tests/api/architecture.rs whether it is SHARED, a FEATURE or on TOP, and what \
                     it may import (DESIGN: imports point main -> app -> feature -> shared)"
                );
                &[]
            }
        };
        let known = |name: &str| SHARED.contains(&name) || features.contains_key(name);
        for path in file.imports() {
            let to = path[0].as_str();
            let allowed = !known(to)
                || to == own
                || SHARED.contains(&to)
                || more.contains(&to)
                || EXCEPTIONS.contains(&(&*file.name, to));
            if !allowed {
                wrong.push(format!("src/{} imports {}", file.name, path.join("::")));
            }
            // What is HTTP is for the route table alone, and for the rest of the same room.
            let same_room = to == own && file.module.get(1).is_some_and(|room| room == "api");
            if path.get(1).is_some_and(|room| room == "api") && !same_room && !matches!(own, "app" | "auth") {
                wrong.push(format!(
                    "src/{} imports {}, which is for the route table",
                    file.name,
                    path.join("::")
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports point main -> app -> feature/api -> feature/store -> feature -> shared; move what both need down, into a \
         shared module:\n{}",
        wrong.join("\n")
    );
}

/// Takes away what is in no circle: what imports nothing that is left, and what nothing that is left imports.
fn circles<T: Ord + Copy>(mut imports: BTreeMap<T, BTreeSet<T>>) -> BTreeMap<T, BTreeSet<T>> {
    loop {
        let before = imports.len();
        let free: BTreeSet<T> =
            imports.iter().filter(|(_, to)| to.is_empty()).map(|(module, _)| *module).collect();
        imports.retain(|module, _| !free.contains(module));
        imports.values_mut().for_each(|to| to.retain(|module| !free.contains(module)));
        let imported: BTreeSet<T> = imports.values().flatten().copied().collect();
        imports.retain(|module, _| imported.contains(module));
        if imports.len() == before {
            return imports;
        }
    }
}

#[test]
fn there_are_no_circles() {
    let files = modules();
    let known: BTreeSet<&[String]> = files.iter().map(|file| &*file.module).collect();
    // Which of the files and folders in a folder import which others of it. So no circle is missed, over
    // however many files it goes; only a module and its own parts are one thing.
    let mut folders: BTreeMap<Vec<String>, BTreeMap<String, BTreeMap<String, String>>> = BTreeMap::new();
    for file in &files {
        for path in file.imports() {
            let target = (1..=path.len()).rev().find_map(|end| known.get(&path[..end])).copied();
            let Some(target) = target else { continue };
            let shared = file.module.iter().zip(target).take_while(|(one, other)| one == other).count();
            if let (Some(from), Some(to)) = (file.module.get(shared), target.get(shared)) {
                let folder = folders.entry(target[..shared].to_vec()).or_default();
                folder.entry(to.clone()).or_default();
                let example = format!("src/{} imports {}", file.name, path.join("::"));
                folder.entry(from.clone()).or_default().entry(to.clone()).or_insert(example);
            }
        }
    }
    let mut wrong = Vec::new();
    for (folder, imports) in &folders {
        let names = imports.iter().map(|(from, to)| (&**from, to.keys().map(|to| &**to).collect()));
        for (from, to) in circles(names.collect()) {
            wrong.extend(to.iter().map(|to| format!("{}: {}", folder.join("::"), imports[from][*to])));
        }
    }
    assert!(
        wrong.is_empty(),
        "these files or folders import each other in a circle; put what they share into one of its own:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn floors_stand_on_those_below() {
    let floor_of = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    let mut wrong = Vec::new();
    for file in modules().into_iter().filter(|file| FEATURES.contains(&&*file.module[0])) {
        let Some(from) = file.module.get(1).and_then(|floor| floor_of(floor)) else { continue };
        for path in file.imports().into_iter().filter(|path| path[0] == file.module[0]) {
            if path.get(1).and_then(|floor| floor_of(floor)).is_some_and(|to| to < from) {
                wrong.push(format!("src/{} imports {}", file.name, path.join("::")));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "in a feature api stands on workflow, workflow on store and formats, and those on model; move what both need down:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn stores_know_no_http_and_rules_know_no_database() {
    let mut wrong = Vec::new();
    for file in modules() {
        if !FEATURES.contains(&&*file.module[0]) && !matches!(&*file.module[0], "audit" | "events") {
            continue;
        }
        // A floor is a file, or a folder of several.
        let floor = file.module.get(1).map_or("mod", |floor| floor.as_str());
        let room = match (floor, file.module.get(2)) {
            ("model", Some(room)) if room == "state" => "rules",
            _ => floor,
        };
        let code = file.code();
        let banned: &[&str] = match room {
            "store" => &["actix", "HttpRe", "StatusCode"],
            "rules" => &["actix", "diesel", "AsyncPgConnection", "database::"],
            "mod" | "model" | "formats" | "input" | "filter" => {
                &["actix", "diesel_async", "AsyncPgConnection"]
            }
            "api" => &["schema::", "diesel::sql_query", "RunQueryDsl"],
            _ => &["actix"],
        };
        let found = banned.iter().filter(|word| code.contains(**word));
        wrong.extend(found.map(|word| format!("src/{} has `{word}`", file.name)));
        // The faults of an input are told in one form, wherever they are found; the rest of HTTP is not for a
        // store.
        if matches!(room, "store" | "rules") {
            let http = file.imports().into_iter().filter(|path| path[0] == "http");
            wrong.extend(http.map(|path| format!("src/{} imports {}", file.name, path.join("::"))));
        }
    }
    assert!(
        wrong.is_empty(),
        "a feature has three rooms: api (HTTP, no SQL), store (SQL, no HTTP), and rules and types (neither); move this into the \
         room where it belongs:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_stay_short() {
    let named = |folder: &'static str| files(folder).into_iter().map(move |file| (folder, file));
    let long: Vec<_> = named("src")
        .chain(named("tests"))
        .filter(|(_, file)| file.name != "schema.rs" && file.text.lines().count() > MAX_LINES)
        .map(|(folder, file)| format!("{folder}/{}: {} lines", file.name, file.text.lines().count()))
        .collect();
    assert!(
        long.is_empty(),
        "a file of more than {MAX_LINES} lines is asking to be two; split it by what it is about:\n{}",
        long.join("\n")
    );
}

/// Beginnings of doc comments that are half a sentence, and leave the reader to find the thing that is meant.
const HALF_SENTENCES: [&str; 9] =
    ["What ", "Whether ", "Where ", "How ", "Who ", "Whose ", "Whom ", "Why ", "That "];

#[test]
fn doc_comments_say_something() {
    let mut found = Vec::new();
    for file in files("src").into_iter().filter(|file| file.name != "schema.rs") {
        let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(text) = line.strip_prefix("/// ") else { continue };
            let begins = number == 0 || !lines[number - 1].starts_with("///");
            let is_all = lines.get(number + 1).is_none_or(|next| !next.starts_with("///"));
            let fault = if text.contains("As any statement") {
                "say which errors there are, or leave the section out"
            } else if begins && HALF_SENTENCES.iter().any(|word| text.starts_with(word)) {
                "name the thing first"
            } else if begins && is_all && text.split_whitespace().count() < 3 {
                "say something, or leave it out"
            } else {
                continue;
            };
            found.push(format!("src/{}:{}: {fault}: {text}", file.name, number + 1));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    // In two parts, so that this file does not find itself.
    let banned = [
        ("todo", "!", "finish it"),
        ("unimplemented", "!", "finish it"),
        ("dbg", "!", "take it out"),
        ("#[ign", "ore", "a test that does not run tests nothing: repair or delete it"),
        ("#[al", "low(", "use #[expect(lint, reason = \"...\")], which tells when it is no longer needed"),
        ("#![al", "low(", "use #[expect(lint, reason = \"...\")], which tells when it is no longer needed"),
    ];
    let mut found = Vec::new();
    for (folder, file) in ["src", "tests"]
        .into_iter()
        .flat_map(|folder| files(folder).into_iter().map(move |file| (folder, file)))
    {
        for (number, line) in file.text.lines().enumerate() {
            for (start, end, advice) in banned {
                if line.contains(&format!("{start}{end}")) {
                    found.push(format!("{folder}/{}:{}: {start}{end}: {advice}", file.name, number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
