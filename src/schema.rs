// @generated automatically by Diesel CLI.

pub(crate) mod sql_types {
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "tsvector"))]
    pub struct Tsvector;
}

diesel::table! {
    article_slugs (slug) {
        slug -> Text,
        article_id -> Uuid,
        ever_live -> Bool,
    }
}

diesel::table! {
    articles (id) {
        id -> Uuid,
        created_by -> Uuid,
        version -> Int8,
        first_published_at -> Nullable<Timestamptz>,
        trashed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    citations (article_id, kind, position) {
        article_id -> Uuid,
        kind -> Text,
        position -> Int2,
        source_id -> Uuid,
        url -> Text,
        title -> Text,
        role -> Text,
        document_key -> Bytea,
        published_at -> Nullable<Timestamptz>,
        language -> Nullable<Text>,
    }
}

diesel::table! {
    corrections (id) {
        id -> Uuid,
        article_id -> Uuid,
        kind -> Text,
        text -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    edition_tags (article_id, kind, tag_id) {
        article_id -> Uuid,
        kind -> Text,
        tag_id -> Uuid,
        position -> Int2,
        published_at -> Nullable<Timestamptz>,
        language -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Tsvector;

    editions (article_id, kind) {
        article_id -> Uuid,
        kind -> Text,
        status -> Text,
        slug -> Text,
        language -> Text,
        title -> Text,
        summary -> Text,
        body -> Text,
        body_html -> Text,
        image -> Nullable<Jsonb>,
        byline -> Nullable<Text>,
        translation_group_id -> Uuid,
        word_count -> Int4,
        reading_minutes -> Int4,
        revision -> Int4,
        published_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
        scheduled_at -> Nullable<Timestamptz>,
        scheduled_by -> Nullable<Uuid>,
        retracted_at -> Nullable<Timestamptz>,
        retraction_reason -> Nullable<Text>,
        provenance -> Nullable<Jsonb>,
        public_version -> Nullable<Int4>,
        search_config -> Text,
        search -> Tsvector,
        schedule_held_at -> Nullable<Timestamptz>,
        kicker -> Text,
    }
}

diesel::table! {
    editors (id) {
        id -> Uuid,
        email -> Text,
        name -> Text,
        role -> Text,
        active -> Bool,
        password_hash -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    events (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        #[sql_name = "type"]
        type_ -> Text,
        actor_id -> Nullable<Uuid>,
        request_id -> Nullable<Text>,
        subject_type -> Text,
        subject_id -> Uuid,
        details -> Jsonb,
        ordinal -> Int8,
        sequence -> Nullable<Int8>,
        hash -> Nullable<Bytea>,
    }
}

diesel::table! {
    failed_publications (article_id) {
        article_id -> Uuid,
        scheduled_at -> Timestamptz,
        attempts -> Int4,
        next_attempt_at -> Timestamptz,
    }
}

diesel::table! {
    preview_links (id) {
        id -> Uuid,
        article_id -> Uuid,
        created_by -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Bytea,
        session_id -> Uuid,
        created_at -> Timestamptz,
        spent_at -> Nullable<Timestamptz>,
        successor_salt -> Nullable<Bytea>,
    }
}

diesel::table! {
    revisions (article_id, number) {
        article_id -> Uuid,
        number -> Int4,
        editor_id -> Uuid,
        created_at -> Timestamptz,
        content -> Jsonb,
        note -> Nullable<Text>,
        version -> Int8,
        translation_group_id -> Uuid,
        changed -> Jsonb,
        restored_from -> Nullable<Int4>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        editor_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_attempts (key) {
        key -> Bytea,
        free_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_networks (editor_id, network) {
        editor_id -> Uuid,
        network -> Bytea,
        right_at -> Timestamptz,
    }
}

diesel::table! {
    sources (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        homepage_url -> Nullable<Text>,
        description -> Text,
        language -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    tag_names (name) {
        name -> Text,
        tag_id -> Uuid,
    }
}

diesel::table! {
    tags (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        description -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        menu -> Bool,
        position -> Nullable<Int2>,
    }
}

diesel::table! {
    versions (article_id, number) {
        article_id -> Uuid,
        number -> Int4,
        revision -> Int4,
        published_at -> Timestamptz,
        title -> Text,
        body_html -> Text,
        word_count -> Int4,
        reading_minutes -> Int4,
        tags -> Jsonb,
        citations -> Jsonb,
    }
}

diesel::joinable!(article_slugs -> articles (article_id));
diesel::joinable!(articles -> editors (created_by));
diesel::joinable!(citations -> sources (source_id));
diesel::joinable!(corrections -> articles (article_id));
diesel::joinable!(edition_tags -> tags (tag_id));
diesel::joinable!(editions -> articles (article_id));
diesel::joinable!(editions -> editors (scheduled_by));
diesel::joinable!(events -> editors (actor_id));
diesel::joinable!(failed_publications -> articles (article_id));
diesel::joinable!(preview_links -> articles (article_id));
diesel::joinable!(preview_links -> editors (created_by));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(revisions -> articles (article_id));
diesel::joinable!(revisions -> editors (editor_id));
diesel::joinable!(sessions -> editors (editor_id));
diesel::joinable!(sign_in_networks -> editors (editor_id));
diesel::joinable!(tag_names -> tags (tag_id));
diesel::joinable!(versions -> articles (article_id));

diesel::allow_tables_to_appear_in_same_query!(
    article_slugs,
    articles,
    citations,
    corrections,
    edition_tags,
    editions,
    editors,
    events,
    failed_publications,
    preview_links,
    refresh_tokens,
    revisions,
    sessions,
    sign_in_attempts,
    sign_in_networks,
    sources,
    tag_names,
    tags,
    versions,
);
