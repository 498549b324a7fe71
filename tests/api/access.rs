//! Who may do what (DESIGN.md, section 3.5): every operation, tried by everyone.

use crate::support::{
    Article::{self, Draft, Live, Retracted, Scheduled, TakenDown, Trashed},
    Cast, Server, operations,
};

/// What one operation answers to each caller.
struct Row {
    operation: &'static str,
    /// What the article went through before, where the operation is about one.
    article: Article,
    /// What the request asks for besides.
    query: &'static str,
    /// No token, a token that has ended, the writer, another writer, an editor, an admin.
    statuses: [u16; 6],
}

const CALLERS: [&str; 6] =
    ["nobody", "an ended session", "the writer", "another writer", "an editor", "an admin"];

const fn row(operation: &'static str, statuses: [u16; 6]) -> Row {
    Row { operation, article: Article::Draft, query: "", statuses }
}

const fn on(article: Article, query: &'static str, operation: &'static str, statuses: [u16; 6]) -> Row {
    Row { operation, article, query, statuses }
}

/// Reviewed against sections 3.1 and 3.5 of DESIGN.md. A `404` stands where the caller may not know that the
/// thing exists.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                              nobody ended writer other editor admin
    row("list_articles",                              [200, 401, 200, 200, 200, 200]),
    on(Draft, "?draft=true", "list_articles",         [401, 401, 200, 200, 200, 200]),
    on(Draft, "?status=draft&draft=true", "list_articles", [401, 401, 200, 200, 200, 200]),
    row("create_article",                             [401, 401, 201, 201, 201, 201]),
    on(Draft, "?allow_duplicate=true", "create_article", [401, 401, 201, 201, 201, 201]),
    on(Live, "", "read_article",                      [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "read_article",                     [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "read_article",                 [404, 401, 404, 404, 404, 404]),
    on(Trashed, "", "read_article",                   [404, 401, 404, 404, 404, 404]),
    on(Live, "?draft=true", "read_article",           [401, 401, 200, 403, 200, 200]),
    on(Draft, "?draft=true", "read_article",          [401, 401, 200, 404, 200, 200]),
    on(TakenDown, "?draft=true", "read_article",      [401, 401, 200, 404, 200, 200]),
    on(Trashed, "?draft=true", "read_article",        [401, 401, 404, 404, 404, 404]),
    on(Draft, "", "update_article",                   [401, 401, 200, 404, 200, 200]),
    on(Live, "", "update_article",                    [401, 401, 403, 403, 200, 200]),
    on(TakenDown, "", "update_article",               [401, 401, 403, 404, 200, 200]),
    on(Trashed, "", "update_article",                 [401, 401, 404, 404, 404, 404]),
    on(Draft, "", "delete_article",                   [401, 401, 204, 404, 204, 204]),
    on(Live, "", "delete_article",                    [401, 401, 403, 403, 204, 204]),
    on(TakenDown, "", "delete_article",               [401, 401, 403, 404, 204, 204]),
    on(Trashed, "", "delete_article",                 [401, 401, 404, 404, 404, 404]),
    on(Draft, "?permanent=true", "delete_article",    [401, 401, 403, 404, 403, 204]),
    on(Live, "?permanent=true", "delete_article",     [401, 401, 403, 403, 403, 204]),
    on(Trashed, "?permanent=true", "delete_article",  [401, 401, 404, 404, 403, 204]),
    on(Draft, "", "publish_article",                  [401, 401, 403, 403, 200, 200]),
    on(TakenDown, "", "publish_article",              [401, 401, 403, 403, 200, 200]),
    on(Trashed, "", "publish_article",                [401, 401, 403, 403, 404, 404]),
    on(Retracted, "", "publish_article",              [401, 401, 403, 403, 409, 409]),
    on(Draft, "", "submit_article",                   [401, 401, 200, 404, 200, 200]),
    on(Live, "", "submit_article",                    [401, 401, 403, 403, 409, 409]),
    on(Trashed, "", "submit_article",                 [401, 401, 404, 404, 404, 404]),
    on(Scheduled, "", "unschedule_article",           [401, 401, 403, 403, 200, 200]),
    on(Draft, "", "unschedule_article",               [401, 401, 403, 403, 409, 409]),
    on(Live, "", "retract_article",                   [401, 401, 403, 403, 200, 200]),
    on(Draft, "", "retract_article",                  [401, 401, 403, 403, 409, 409]),
    on(Trashed, "", "restore_article",                [401, 401, 403, 403, 200, 200]),
    on(Draft, "", "restore_article",                  [401, 401, 403, 403, 409, 409]),
    on(Live, "", "read_article_json_ld",              [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "read_article_json_ld",             [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "read_article_json_ld",         [404, 401, 404, 404, 404, 404]),
    on(Trashed, "", "read_article_json_ld",           [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "read_article_json_ld",         [410, 401, 200, 200, 200, 200]),
    on(Live, "?draft=true", "read_article_json_ld",   [401, 401, 200, 403, 200, 200]),
    on(Draft, "?draft=true", "read_article_json_ld",  [401, 401, 200, 404, 200, 200]),
    on(Trashed, "?trashed=true", "read_article_json_ld", [401, 401, 200, 404, 200, 200]),
    on(Live, "", "read_article_ninjs",                [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "read_article_ninjs",               [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "read_article_ninjs",           [404, 401, 404, 404, 404, 404]),
    on(Trashed, "", "read_article_ninjs",             [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "read_article_ninjs",           [410, 401, 200, 200, 200, 200]),
    on(Live, "?draft=true", "read_article_ninjs",     [401, 401, 200, 403, 200, 200]),
    on(Draft, "?draft=true", "read_article_ninjs",    [401, 401, 200, 404, 200, 200]),
    on(Trashed, "?trashed=true", "read_article_ninjs", [401, 401, 200, 404, 200, 200]),
    on(Live, "", "read_article_markdown",             [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "read_article_markdown",            [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "read_article_markdown",        [404, 401, 404, 404, 404, 404]),
    on(Trashed, "", "read_article_markdown",          [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "read_article_markdown",        [410, 401, 200, 200, 200, 200]),
    on(Live, "?draft=true", "read_article_markdown",  [401, 401, 200, 403, 200, 200]),
    on(Draft, "?draft=true", "read_article_markdown", [401, 401, 200, 404, 200, 200]),
    on(Trashed, "?trashed=true", "read_article_markdown", [401, 401, 200, 404, 200, 200]),
    on(Retracted, "", "read_article",                 [410, 401, 200, 200, 200, 200]),
    on(Retracted, "?draft=true", "read_article",      [401, 401, 200, 403, 200, 200]),
    on(Retracted, "", "update_article",               [401, 401, 403, 403, 409, 409]),
    on(Scheduled, "", "update_article",               [401, 401, 409, 404, 409, 409]),
    on(Trashed, "?trashed=true", "read_article",      [401, 401, 200, 404, 200, 200]),
    on(Draft, "?trashed=true", "read_article",        [401, 401, 404, 404, 404, 404]),
    on(Draft, "?trashed=true", "list_articles",       [401, 401, 200, 200, 200, 200]),
    on(Live, "", "unpublish_article",                 [401, 401, 403, 403, 200, 200]),
    on(Trashed, "", "unpublish_article",              [401, 401, 403, 403, 404, 404]),
    on(Draft, "", "create_preview_link",              [401, 401, 201, 404, 201, 201]),
    on(Live, "", "create_preview_link",               [401, 401, 201, 403, 201, 201]),
    on(TakenDown, "", "create_preview_link",          [401, 401, 201, 404, 201, 201]),
    on(Retracted, "", "create_preview_link",          [401, 401, 201, 403, 201, 201]),
    on(Trashed, "", "create_preview_link",            [401, 401, 404, 404, 404, 404]),
    on(Draft, "", "list_preview_links",               [401, 401, 200, 404, 200, 200]),
    on(Live, "", "list_preview_links",                [401, 401, 200, 403, 200, 200]),
    on(Trashed, "", "list_preview_links",             [401, 401, 404, 404, 404, 404]),
    on(Draft, "", "read_preview_link",                [401, 401, 200, 404, 200, 200]),
    on(Live, "", "read_preview_link",                 [401, 401, 200, 403, 200, 200]),
    on(Trashed, "", "read_preview_link",              [401, 401, 404, 404, 404, 404]),
    on(Draft, "", "revoke_preview_link",              [401, 401, 204, 404, 204, 204]),
    on(Live, "", "revoke_preview_link",               [401, 401, 204, 403, 204, 204]),
    on(Trashed, "", "revoke_preview_link",            [401, 401, 404, 404, 404, 404]),
    on(Draft, "", "list_article_slugs",               [401, 401, 200, 404, 200, 200]),
    on(Live, "", "list_article_slugs",                [401, 401, 200, 403, 200, 200]),
    on(TakenDown, "", "list_article_slugs",           [401, 401, 200, 404, 200, 200]),
    on(Trashed, "", "list_article_slugs",             [401, 401, 404, 404, 404, 404]),
    on(Live, "", "free_article_slug",                 [401, 401, 403, 403, 204, 204]),
    on(Draft, "", "free_article_slug",                [401, 401, 403, 403, 404, 404]),
    on(Trashed, "", "free_article_slug",              [401, 401, 403, 403, 404, 404]),
    on(Draft, "", "list_revisions",                   [401, 401, 200, 404, 200, 200]),
    on(Live, "", "list_revisions",                    [401, 401, 200, 403, 200, 200]),
    on(TakenDown, "", "list_revisions",               [401, 401, 200, 404, 200, 200]),
    on(Retracted, "", "list_revisions",               [401, 401, 200, 403, 200, 200]),
    on(Trashed, "", "list_revisions",                 [401, 401, 404, 404, 404, 404]),
    on(Trashed, "?trashed=true", "list_revisions",    [401, 401, 200, 404, 200, 200]),
    on(Draft, "?trashed=true", "list_revisions",      [401, 401, 404, 404, 404, 404]),
    on(Draft, "", "read_revision",                    [401, 401, 200, 404, 200, 200]),
    on(Live, "", "read_revision",                     [401, 401, 200, 403, 200, 200]),
    on(Trashed, "", "read_revision",                  [401, 401, 404, 404, 404, 404]),
    on(Trashed, "?trashed=true", "read_revision",     [401, 401, 200, 404, 200, 200]),
    on(Draft, "", "compare_revisions",                [401, 401, 200, 404, 200, 200]),
    on(Live, "", "compare_revisions",                 [401, 401, 200, 403, 200, 200]),
    on(Trashed, "", "compare_revisions",              [401, 401, 404, 404, 404, 404]),
    on(Trashed, "?trashed=true", "compare_revisions", [401, 401, 200, 404, 200, 200]),
    on(Draft, "", "restore_revision",                 [401, 401, 200, 404, 200, 200]),
    on(Live, "", "restore_revision",                  [401, 401, 403, 403, 200, 200]),
    on(TakenDown, "", "restore_revision",             [401, 401, 403, 404, 200, 200]),
    on(Trashed, "", "restore_revision",               [401, 401, 404, 404, 404, 404]),
    on(Retracted, "", "restore_revision",             [401, 401, 403, 403, 409, 409]),
    on(Scheduled, "", "restore_revision",             [401, 401, 409, 404, 409, 409]),
    on(Live, "", "create_correction",                 [401, 401, 403, 403, 201, 201]),
    on(Draft, "", "create_correction",                [401, 401, 403, 403, 409, 409]),
    on(TakenDown, "", "create_correction",            [401, 401, 403, 403, 409, 409]),
    on(Retracted, "", "create_correction",            [401, 401, 403, 403, 409, 409]),
    on(Trashed, "", "create_correction",              [401, 401, 403, 403, 404, 404]),
    on(Live, "", "list_corrections",                  [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "list_corrections",                 [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "list_corrections",             [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "list_corrections",             [410, 401, 200, 200, 200, 200]),
    on(Trashed, "", "list_corrections",               [404, 401, 404, 404, 404, 404]),
    on(Live, "", "read_correction",                   [200, 401, 200, 200, 200, 200]),
    on(TakenDown, "", "read_correction",              [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "read_correction",              [410, 401, 200, 200, 200, 200]),
    on(Trashed, "", "read_correction",                [404, 401, 404, 404, 404, 404]),
    on(Live, "", "list_related_articles",             [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "list_related_articles",            [404, 401, 404, 404, 404, 404]),
    on(Scheduled, "", "list_related_articles",        [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "list_related_articles",        [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "list_related_articles",        [410, 401, 200, 200, 200, 200]),
    on(Trashed, "", "list_related_articles",          [404, 401, 404, 404, 404, 404]),
    on(Live, "", "list_versions",                     [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "list_versions",                    [404, 401, 404, 404, 404, 404]),
    on(Scheduled, "", "list_versions",                [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "list_versions",                [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "list_versions",                [410, 401, 200, 200, 200, 200]),
    on(Trashed, "", "list_versions",                  [404, 401, 404, 404, 404, 404]),
    on(Live, "", "read_version",                      [200, 401, 200, 200, 200, 200]),
    on(Draft, "", "read_version",                     [404, 401, 404, 404, 404, 404]),
    on(TakenDown, "", "read_version",                 [404, 401, 404, 404, 404, 404]),
    on(Retracted, "", "read_version",                 [410, 401, 200, 200, 200, 200]),
    on(Trashed, "", "read_version",                   [404, 401, 404, 404, 404, 404]),
    row("read_rss",                                   [200, 401, 200, 200, 200, 200]),
    row("read_atom",                                  [200, 401, 200, 200, 200, 200]),
    row("read_json_feed",                             [200, 401, 200, 200, 200, 200]),
    on(Draft, "?draft=true", "read_json_feed",        [400, 401, 400, 400, 400, 400]),
    row("read_sitemap",                               [200, 401, 200, 200, 200, 200]),
    row("read_news_sitemap",                          [200, 401, 200, 200, 200, 200]),
    row("read_sitemap_part",                          [200, 401, 200, 200, 200, 200]),
    row("list_tags",                                  [200, 401, 200, 200, 200, 200]),
    row("create_tag",                                 [401, 401, 403, 403, 201, 201]),
    row("read_tag",                                   [200, 401, 200, 200, 200, 200]),
    row("update_tag",                                 [401, 401, 403, 403, 200, 200]),
    row("delete_tag",                                 [401, 401, 403, 403, 204, 204]),
    row("merge_tag",                                  [401, 401, 403, 403, 200, 200]),
    row("list_sources",                               [200, 401, 200, 200, 200, 200]),
    row("create_source",                              [401, 401, 201, 201, 201, 201]),
    row("read_source",                                [200, 401, 200, 200, 200, 200]),
    row("update_source",                              [401, 401, 403, 403, 200, 200]),
    row("delete_source",                              [401, 401, 403, 403, 204, 204]),
    row("list_source_articles",                       [200, 401, 200, 200, 200, 200]),
    on(Draft, "?draft=true", "list_source_articles",  [401, 401, 200, 200, 200, 200]),
    on(Draft, "?trashed=true", "list_source_articles", [401, 401, 200, 200, 200, 200]),
    row("login",                                      [200, 401, 200, 200, 200, 200]),
    row("refresh",                                    [200, 401, 200, 200, 200, 200]),
    row("logout",                                     [401, 401, 204, 204, 204, 204]),
    row("change_password",                            [401, 401, 204, 204, 204, 204]),
    row("read_keys",                                  [200, 401, 200, 200, 200, 200]),
    row("read_me",                                    [401, 401, 200, 200, 200, 200]),
    row("update_me",                                  [401, 401, 200, 200, 200, 200]),
    row("list_editors",                               [401, 401, 403, 403, 403, 200]),
    row("create_editor",                              [401, 401, 403, 403, 403, 201]),
    row("read_editor",                                [401, 401, 403, 403, 403, 200]),
    row("update_editor",                              [401, 401, 403, 403, 403, 200]),
    row("list_events",                                [401, 401, 403, 403, 200, 200]),
    row("read_openapi",                               [200, 401, 200, 200, 200, 200]),
    row("explain_problem",                            [200, 401, 200, 200, 200, 200]),
    row("list_problems",                              [200, 401, 200, 200, 200, 200]),
    row("read_liveness",                              [200, 401, 200, 200, 200, 200]),
    row("read_readiness",                             [200, 401, 200, 200, 200, 200]),
    row("read_metrics",                               [200, 401, 200, 200, 200, 200]),
];

#[test]
fn every_operation_has_its_rows() {
    let operations = operations();
    for operation in &operations {
        let id = operation.id;
        let mut rows = TABLE.iter().filter(|row| row.operation == id).peekable();
        assert!(
            rows.peek().is_some(),
            "{id} ({} {}) is not in the table of this file. Decide who may call it (DESIGN.md, section 3.5), add a \
             row for each state that makes a difference, and a valid request to Cast::prepare.",
            operation.method,
            operation.template
        );
        // What the document says of tokens must be what the table says.
        let public = rows.any(|row| row.statuses[0] != 401);
        let documented = operation.object["security"].as_array().unwrap();
        let optional = documented.iter().any(|option| option.as_object().unwrap().is_empty());
        assert_eq!(public, optional, "{id}: its `security` in the document is not what the table says");
    }
    for row in TABLE {
        let known = operations.iter().any(|operation| operation.id == row.operation);
        assert!(known, "{}: there is no such operation any more; remove its rows", row.operation);
    }
}

#[tokio::test]
async fn everyone_may_do_what_the_table_says_and_nothing_else() {
    let server = Server::start().await;
    let mut cast = Cast::of(&server).await;
    let mut wrong = Vec::new();
    for row in TABLE {
        let Some(operation) = operations().into_iter().find(|operation| operation.id == row.operation) else {
            continue;
        };
        let tokens = [
            None,
            Some(&cast.ended),
            Some(&cast.writer),
            Some(&cast.other),
            Some(&cast.editor),
            Some(&cast.admin),
        ];
        for ((caller, token), status) in CALLERS.into_iter().zip(tokens).zip(row.statuses) {
            let request = cast.prepare(&server, &operation, row.article).await;
            let before = server.snapshot().await;
            let answer = request.send(&server, token.map(String::as_str), row.query).await;
            let same = server.snapshot().await == before;
            let name = format!("{} on {:?}{} by {caller}", row.operation, row.article, row.query);
            if answer.status != status {
                wrong.push(format!("{name}: {} instead of {status}: {}", answer.status, answer.text));
            }
            // An effect before the refusal would be seen here; so would a request that was allowed and did
            // nothing.
            if same != (operation.method == "GET" || answer.status >= 400) {
                let what = if same { "changed nothing" } else { "changed something" };
                wrong.push(format!("{name}: answered {} and {what}", answer.status));
            }
        }
        if operation.id == "logout" {
            cast = Cast::of(&server).await;
        }
    }
    assert!(
        wrong.is_empty(),
        "Either a right is enforced wrongly, or it was changed on purpose: then change the table here and \
         section 3.5 of DESIGN.md with it.\n{}",
        wrong.join("\n")
    );
}
