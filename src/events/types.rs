//! The types of events and of subjects. No other place names them.

use crate::text_enum;

text_enum! {
    /// The type of an event.
    pub enum EventType {
        /// An article was created.
        ArticleCreated = "article.created",
        /// A draft was changed; `fields` names the changed fields.
        ArticleUpdated = "article.updated",
        /// A draft became again what an earlier revision was.
        ArticleRevisionRestored = "article.revision_restored",
        /// A draft was submitted for review.
        ArticleSubmitted = "article.submitted",
        /// A draft was published, at once or at its scheduled time.
        ArticlePublished = "article.published",
        /// A draft was scheduled to be published at a time.
        ArticleScheduled = "article.scheduled",
        /// The schedule of a draft was removed.
        ArticleUnscheduled = "article.unscheduled",
        /// A scheduled draft could not be published at its time; `reason` says why. It is a draft again.
        ArticleScheduleFailed = "article.schedule_failed",
        /// The time of a scheduled draft came, and the editor who had scheduled it was no longer allowed to
        /// publish. It waits for somebody who is allowed to publish it or to schedule it again.
        ArticleScheduleHeld = "article.schedule_held",
        /// An article was unpublished: readers no longer see it.
        ArticleUnpublished = "article.unpublished",
        /// A story was retracted, and readers are told why.
        ArticleRetracted = "article.retracted",
        /// An article was moved to the trash.
        ArticleTrashed = "article.trashed",
        /// An article was taken out of the trash.
        ArticleRestored = "article.restored",
        /// An article was deleted for good.
        ArticleDeleted = "article.deleted",
        /// A correction was added to a published article.
        ArticleCorrected = "article.corrected",
        /// An old slug was freed for other articles.
        ArticleSlugFreed = "article.slug_freed",
        /// A preview link to a draft was created.
        PreviewLinkCreated = "preview_link.created",
        /// A preview link was revoked.
        PreviewLinkRevoked = "preview_link.revoked",
        /// A tag was created.
        TagCreated = "tag.created",
        /// A tag was changed; `fields` names the members that the patch has.
        TagUpdated = "tag.updated",
        /// A tag was merged into another one.
        TagMerged = "tag.merged",
        /// A tag was deleted.
        TagDeleted = "tag.deleted",
        /// A source was created.
        SourceCreated = "source.created",
        /// A source was changed; `fields` names the members that the patch has.
        SourceUpdated = "source.updated",
        /// A source was deleted.
        SourceDeleted = "source.deleted",
        /// An editor's account was created.
        EditorCreated = "editor.created",
        /// An editor's account was changed; `fields` names the changed fields.
        EditorUpdated = "editor.updated",
        /// An editor's password was changed.
        PasswordChanged = "editor.password_changed",
        /// An editor signed in and started a session.
        SessionStarted = "session.started",
        /// An editor signed out and ended a session.
        SessionEnded = "session.ended",
        /// A refresh token was used again, which shows that it was copied; its session was ended.
        SessionReuseDetected = "session.reuse_detected",
        /// The demo content was loaded.
        DemoLoaded = "demo.loaded",
    }
}

text_enum! {
    /// The type of the thing that was changed.
    pub enum SubjectType {
        /// The subject is an article.
        Article = "article",
        /// The subject is a tag.
        Tag = "tag",
        /// The subject is a source.
        Source = "source",
        /// The subject is an editor, also if the event is about the editor's sessions.
        Editor = "editor",
        /// The subject is the instance itself; its id is all zeros.
        Instance = "instance",
    }
}
