//! What is recorded. These are the only places that name a type of event or of subject.

use crate::text_enum;

text_enum! {
    /// What happened.
    pub enum EventType {
        /// An article was written.
        ArticleCreated = "article.created",
        /// A draft was changed; `fields` names what the change says.
        ArticleUpdated = "article.updated",
        /// A draft became again what an earlier revision was.
        ArticleRevisionRestored = "article.revision_restored",
        /// A draft was handed in for review.
        ArticleSubmitted = "article.submitted",
        /// A draft came before the readers, at once or at its time.
        ArticlePublished = "article.published",
        /// A draft got a time at which it is to be published.
        ArticleScheduled = "article.scheduled",
        /// That time was taken back.
        ArticleUnscheduled = "article.unscheduled",
        /// A scheduled draft could not be published at its time; `reason` says why. It is a draft again.
        ArticleScheduleFailed = "article.schedule_failed",
        /// The time of a scheduled draft came, and who had set it may not publish any more. It waits for somebody who may publish it or
        /// schedule it anew.
        ArticleScheduleHeld = "article.schedule_held",
        /// An article was taken away from the readers.
        ArticleUnpublished = "article.unpublished",
        /// A story was taken back, and readers are told why.
        ArticleRetracted = "article.retracted",
        /// An article went to the trash.
        ArticleTrashed = "article.trashed",
        /// An article came out of the trash.
        ArticleRestored = "article.restored",
        /// An article was deleted for good.
        ArticleDeleted = "article.deleted",
        /// A correction was added to a published article.
        ArticleCorrected = "article.corrected",
        /// An old slug was freed for other articles.
        ArticleSlugFreed = "article.slug_freed",
        /// A preview link to a draft was made.
        PreviewLinkCreated = "preview_link.created",
        /// A preview link was revoked.
        PreviewLinkRevoked = "preview_link.revoked",
        /// A tag was made.
        TagCreated = "tag.created",
        /// A tag was changed; `fields` names what the change says.
        TagUpdated = "tag.updated",
        /// A tag was merged into another one.
        TagMerged = "tag.merged",
        /// A tag was deleted.
        TagDeleted = "tag.deleted",
        /// A source was made.
        SourceCreated = "source.created",
        /// A source was changed; `fields` names what the change says.
        SourceUpdated = "source.updated",
        /// A source was deleted.
        SourceDeleted = "source.deleted",
        /// An editor's account was made.
        EditorCreated = "editor.created",
        /// An editor's account was changed; `fields` names what changed.
        EditorUpdated = "editor.updated",
        /// An editor's password was changed.
        PasswordChanged = "editor.password_changed",
        /// Somebody signed in.
        SessionStarted = "session.started",
        /// Somebody signed out.
        SessionEnded = "session.ended",
        /// A refresh token was used again, which shows a copy; its session was ended.
        SessionReuseDetected = "session.reuse_detected",
        /// The demo content was loaded.
        DemoLoaded = "demo.loaded",
    }
}

text_enum! {
    /// What it happened to.
    pub enum SubjectType {
        /// An article.
        Article = "article",
        /// A tag.
        Tag = "tag",
        /// A source.
        Source = "source",
        /// An editor, also where it is about their sessions.
        Editor = "editor",
        /// The instance itself; its id is all zeros.
        Instance = "instance",
    }
}
