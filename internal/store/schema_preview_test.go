package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A preview says what the publication then does, and writes nothing.
func TestPreviewIsWhatPublishingDoes(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		d := in.draft(string(purchases("1")))
		seen, err := in.s.PreviewDraft(t.Context(), testApp, d.ID, revision(1), nil)
		require.NoError(t, err)
		require.Empty(t, seen.Effects)
		require.Empty(t, in.dump(`SELECT version FROM schema_version`))
		_, err = in.s.PublishDraft(t.Context(), testApp, d.ID, revision(1), Publication{})
		require.NoError(t, err)
		in.now.Advance(time.Hour)

		when := in.now.Now().Add(48 * time.Hour)
		next := in.draft(string(purchases("2")))
		before := in.dump(`SELECT COUNT(*) FROM audit_log`)
		seen, err = in.s.PreviewDraft(t.Context(), testApp, next.ID, revision(1), &when)
		require.NoError(t, err)
		require.Equal(t, before, in.dump(`SELECT COUNT(*) FROM audit_log`), "nothing happened, so nothing is told of")
		require.Len(t, seen.Changes, 1)
		done, err := in.s.PublishDraft(t.Context(), testApp, next.ID, revision(1), Publication{EffectiveFrom: &when})
		require.NoError(t, err)
		require.Equal(t, done.Version, seen.Version)
		require.Equal(t, done.EffectiveFrom, seen.EffectiveFrom)
		require.Equal(t, done.Effects, seen.Effects)
		require.Equal(t, done.Warnings, seen.Warnings)

		later := when.Add(time.Hour)
		seen, err = in.s.PreviewRollBack(t.Context(), testApp, 1, &later)
		require.NoError(t, err)
		done, err = in.s.RollBack(t.Context(), testApp, 1, Publication{EffectiveFrom: &later})
		require.NoError(t, err)
		require.Equal(t, done.Effects, seen.Effects)

		var same *SameVersion
		_, err = in.s.PreviewRollBack(t.Context(), testApp, 3, nil)
		require.ErrorAs(t, err, &same)
		var bad *BadEffective
		_, err = in.s.PreviewRollBack(t.Context(), testApp, 2, nil)
		require.ErrorAs(t, err, &bad, "a version waits for its day")
		var stale *StaleDraft
		_, err = in.s.PreviewDraft(t.Context(), testApp, next.ID, revision(7), nil)
		require.ErrorAs(t, err, &stale)
		_, err = in.s.PreviewDraft(t.Context(), testApp, "none", Match{Any: true}, nil)
		require.ErrorIs(t, err, ErrNoDraft)
		_, err = in.s.PreviewRollBack(t.Context(), testApp, 9, nil)
		require.ErrorIs(t, err, ErrNoVersion)
		_, err = in.s.PreviewRollBack(t.Context(), 1, 1, nil)
		require.ErrorIs(t, err, ErrNoApp)
	})
}
