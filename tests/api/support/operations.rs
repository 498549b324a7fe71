//! Every operation of the document, with a request that it accepts.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use warta::principal::Role;

use super::{
    answer::Answer,
    contract::document,
    server::{PASSWORD, Server},
};

/// An operation, as the document has it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    /// In upper case.
    pub(crate) method: String,
    /// Its path, with parameters in braces.
    pub(crate) template: &'static str,
    /// Its Operation Object.
    pub(crate) object: &'static Value,
}

/// All of them.
pub(crate) fn operations() -> Vec<Operation> {
    let paths = document()["paths"].as_object().unwrap();
    let of_path = |(template, item): (&'static String, &'static Value)| {
        item.as_object().unwrap().iter().map(move |(method, object)| Operation {
            id: object["operationId"].as_str().unwrap(),
            method: method.to_uppercase(),
            template,
            object,
        })
    };
    paths.iter().flat_map(of_path).collect()
}

/// What an article went through before a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Article {
    Draft,
    Live,
    TakenDown,
    Scheduled,
    Retracted,
    Trashed,
}

impl Article {
    /// A state in which the operation is possible.
    pub(crate) fn fit_for(operation: &str) -> Self {
        match operation {
            "unpublish_article"
            | "retract_article"
            | "free_article_slug"
            | "create_correction"
            | "list_corrections"
            | "read_correction"
            | "list_related_articles"
            | "list_versions"
            | "read_version"
            | "read_article_json_ld"
            | "read_article_ninjs"
            | "read_article_markdown" => Self::Live,
            "unschedule_article" => Self::Scheduled,
            "restore_article" => Self::Trashed,
            _ => Self::Draft,
        }
    }

    /// What the draft of an article in this state is read with.
    pub(crate) fn draft_query(self) -> &'static str {
        if self == Self::Trashed { "?trashed=true" } else { "?draft=true" }
    }
}

/// Who is there, by their access tokens, and what they may refer to.
pub(crate) struct Cast {
    /// Wrote every article.
    pub(crate) writer: String,
    /// Another writer.
    pub(crate) other: String,
    pub(crate) editor: String,
    pub(crate) admin: String,
    /// A token that was good until its session ended.
    pub(crate) ended: String,
    tag: String,
    source: String,
    /// Who signs in, and nothing else.
    guest: String,
}

/// A request that an operation accepts.
pub(crate) struct Prepared {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Prepared {
    pub(crate) async fn send(&self, server: &Server, token: Option<&str>, query: &str) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        if self.method == "PATCH" {
            headers.push(("if-match", "*"));
        }
        server.send(&self.method, &format!("{}{query}", self.path), &headers, self.body.clone()).await
    }
}

impl Cast {
    pub(crate) async fn of(server: &Server) -> Self {
        let ended = server.sign_in(Role::Admin).await;
        server.act("/v1/auth/logout", Some(&ended)).await.expect(204);
        let guest = server.editor(&format!("tamu-{}@example.org", next()), Role::Writer).await.email;
        let editor = server.sign_in(Role::Editor).await;
        let slug = |answer: Answer| answer.expect(201).body["slug"].as_str().unwrap().to_owned();
        Self {
            writer: server.sign_in(Role::Writer).await,
            other: server.sign_in(Role::Writer).await,
            admin: server.sign_in(Role::Admin).await,
            ended,
            tag: slug(server.post("/v1/tags", Some(&editor), json!({"name": "Riset"})).await),
            source: slug(server.post("/v1/sources", Some(&editor), json!({"name": "Kantor Berita"})).await),
            guest,
            editor,
        }
    }

    /// An article by the writer; its path.
    pub(crate) async fn article(&self, server: &Server, state: Article) -> String {
        let body = json!({"title": "Kabar", "language": "id", "body": "Isi."});
        let made = server.post("/v1/articles", Some(&self.writer), body).await.expect(201);
        let path = made.header("location").to_owned();
        self.bring(server, &path, state).await;
        path
    }

    /// Brings an article, a draft or a live one, into a state.
    async fn bring(&self, server: &Server, path: &str, state: Article) {
        let editor = Some(self.editor.as_str());
        match state {
            Article::Draft => {}
            Article::Live => drop(server.act(&format!("{path}/publish"), editor).await.expect(200)),
            Article::TakenDown => {
                server.act(&format!("{path}/publish"), editor).await.expect(200);
                server.act(&format!("{path}/unpublish"), editor).await.expect(200);
            }
            Article::Scheduled => {
                let at = json!({"at": "2999-01-01T00:00:00Z"});
                server.post(&format!("{path}/publish"), editor, at).await.expect(200);
            }
            Article::Retracted => {
                server.act(&format!("{path}/publish"), editor).await.expect(200);
                let reason = json!({"reason": "Keliru."});
                server.post(&format!("{path}/retract"), editor, reason).await.expect(200);
            }
            Article::Trashed => drop(server.delete(path, editor).await.expect(204)),
        }
    }

    /// A correction of an article that then goes into a state; its path.
    async fn correction(&self, server: &Server, state: Article) -> String {
        let article = self.article(server, Article::Live).await;
        let body = json!({"kind": "update", "text": "Kabar lanjutan."});
        let made = server.post(&format!("{article}/corrections"), Some(&self.editor), body).await.expect(201);
        self.bring(server, &article, state).await;
        format!("{article}/corrections/{}", made.body["id"].as_str().unwrap())
    }

    /// A request that the operation accepts from those who may send it, on things that are made for it.
    pub(crate) async fn prepare(&self, server: &Server, operation: &Operation, state: Article) -> Prepared {
        let number = next();
        let editor = Some(self.editor.as_str());
        let path = match operation.template {
            path if path.contains("/corrections/{id}") => self.correction(server, state).await,
            path if path.contains("{article}") => {
                let article = self.article(server, state).await;
                let path = path.replace("/v1/articles/{article}", &article);
                // Its first revision.
                let path = ["{number}", "{from}", "{to}"]
                    .iter()
                    .fold(path, |path, number| path.replace(number, "1"));
                self.within_article(server, operation.id, &article, path).await
            }
            path if path.contains("{tag}") => {
                let name = json!({"name": format!("Rubrik {number}")});
                let made = server.post("/v1/tags", editor, name).await.expect(201);
                path.replace("/v1/tags/{tag}", made.header("location"))
            }
            path if path.contains("{source}") => {
                let name = json!({"name": format!("Sumber {number}")});
                let made = server.post("/v1/sources", editor, name).await.expect(201);
                path.replace("/v1/sources/{source}", made.header("location"))
            }
            path if path.contains("{id}") => {
                let made = server.editor(&format!("orang-{number}@example.org"), Role::Writer).await;
                path.replace("{id}", &made.id.to_string())
            }
            path => path.replace("{name}", "not-found").replace("{number}", "1"),
        };
        assert!(!path.contains('{'), "{path}: say in Cast::prepare what to put into the path");
        let body = match operation.id {
            "refresh" => Some(json!({"refresh_token": self.refresh_token(server).await})),
            // When readers first saw it is written already.
            "publish_article" if state == Article::TakenDown => Some(json!({})),
            _ => self.body(operation, number),
        };
        Prepared { method: operation.method.clone(), path, body }
    }

    /// Puts what an operation works on inside of its article into its path.
    async fn within_article(&self, server: &Server, operation: &str, article: &str, path: String) -> String {
        let editor = Some(self.editor.as_str());
        match operation {
            "read_preview_link" | "revoke_preview_link" => {
                // Of what is not there no link can be made.
                let made = server.act(&format!("{article}/preview-links"), editor).await;
                let id = made.body["id"].as_str().unwrap_or("0198c5a2-7e1b-7c3d-9a54-2f6b8d0e1a77");
                path.replace("{id}", id)
            }
            "free_article_slug" => {
                // One that readers knew: published, changed, and published again.
                let slug = format!("lama-{}", next());
                let is_live = server.get(article, None).await.status == 200;
                if is_live {
                    for slug in [slug.clone(), format!("{slug}-kini")] {
                        server.patch(article, editor, json!({"slug": slug})).await.expect(200);
                        server.act(&format!("{article}/publish"), editor).await.expect(200);
                    }
                }
                path.replace("{slug}", &slug)
            }
            _ => path,
        }
    }

    async fn refresh_token(&self, server: &Server) -> String {
        let credentials = json!({"email": self.guest, "password": PASSWORD});
        let answer = server.post("/v1/auth/login", None, credentials).await.expect(200);
        answer.body["refresh_token"].as_str().unwrap().to_owned()
    }

    /// A body with every member that the operation takes, but `translation_of`.
    fn body(&self, operation: &Operation, number: u32) -> Option<Value> {
        let slug = format!("nomor-{number}");
        let body = match operation.id {
            "create_article" | "update_article" => json!({
                "title": "Judul",
                "slug": slug,
                "language": "jv",
                "summary": "Ringkasan.",
                "body": "Isi **baru**.",
                "image": {
                    "url": "https://images.warta.example/a.jpg",
                    "alt": "Gambar",
                    "caption": "Keterangan",
                    "credit": "Warta",
                },
                "byline": "Redaksi", "kicker": "Riset",
                "provenance": {
                    "kind": "translated",
                    "tool": "Penerjemah 2",
                    "reviewed_by": "Redaksi",
                    "source_language": "ms",
                },
                "tags": [self.tag],
                "citations": [{
                    "source": self.source,
                    "url": "https://pesisir.example/1",
                    "title": "Laporan",
                    "role": "data",
                }],
                "note": "Dilengkapi.",
            }),
            "restore_revision" => json!({"note": "Kembali ke naskah awal.", "skip_missing": true}),
            "publish_article" => json!({"at": "2024-08-17T10:00:00Z"}),
            "create_preview_link" => json!({"expires_in": 3600}),
            "retract_article" => json!({"reason": "Angka utamanya keliru."}),
            "create_correction" => {
                json!({"kind": "clarification", "text": "Yang dimaksud kota, bukan kabupaten."})
            }
            "create_tag" | "update_tag" => json!({
                "name": "Nama", "slug": slug, "description": "Uraian.", "menu": true, "position": 10,
            }),
            "merge_tag" => json!({"into": self.tag}),
            "create_source" | "update_source" => json!({
                "name": "Nama",
                "slug": slug,
                "homepage_url": "https://pesisir.example/",
                "description": "Uraian.",
                "language": "id",
            }),
            "login" => json!({"email": self.guest, "password": PASSWORD}),
            "change_password" => json!({"current_password": PASSWORD, "new_password": PASSWORD}),
            "update_me" => json!({
                "email": format!("{slug}@example.org"), "name": "Nama", "current_password": PASSWORD,
            }),
            "create_editor" => json!({
                "email": format!("{slug}@example.org"), "name": "Nama", "role": "writer", "password": PASSWORD,
            }),
            "update_editor" => json!({
                "email": format!("{slug}@example.org"),
                "name": "Nama",
                "role": "editor",
                "active": false,
                "password": PASSWORD,
            }),
            id => {
                let takes_body = operation.object.get("requestBody").is_some();
                assert!(!takes_body, "{id}: write a body that it accepts into Cast::body");
                return None;
            }
        };
        Some(body)
    }
}

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
