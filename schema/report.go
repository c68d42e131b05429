package schema

// Code names one kind of finding. Codes never change their meaning.
type Code string

// Errors: a document with one of these cannot be published.
const (
	CodeSyntax          Code = "json_syntax"      // the text is not JSON, or larger than the limits
	CodeWrongType       Code = "wrong_type"       // a member holds the wrong kind of value
	CodeUnknownMember   Code = "unknown_member"   // a member that no document has
	CodeDuplicateMember Code = "duplicate_member" // a member stands twice in one object
	CodeMemberMissing   Code = "member_missing"   // a member without which nothing can be read
	CodeTooLarge        Code = "too_large"        // more items or characters than the limits

	CodeValueOutOfRange       Code = "value_out_of_range"
	CodeDuplicateValue        Code = "duplicate_value"
	CodeFineInLaterWindow     Code = "fine_in_later_window"
	CodeCoarseUnknown         Code = "coarse_unknown"
	CodeBandOverlap           Code = "band_overlap"
	CodeBandInverted          Code = "band_inverted"
	CodeCurrencyMissing       Code = "currency_missing"
	CodeCurrencyUnknown       Code = "currency_unknown"
	CodeEventNameMissing      Code = "event_name_missing"
	CodeReservedOverlapsValue Code = "reserved_overlaps_value"
	CodeWindowMissing         Code = "window_missing"
	CodeLockUnreachable       Code = "lock_unreachable"
	CodeFineValueUnreachable  Code = "fine_value_unreachable"
	CodeEmptySchema           Code = "empty_schema"
	CodeLayoutInvalid         Code = "layout_invalid"      // the model cannot be written as a table
	CodeLayoutNotExpanded     Code = "layout_not_expanded" // there is a model, but its table is empty
)

// Warnings: the document works, but not as well as it could.
const (
	CodeAppIDMissing        Code = "app_id_missing"
	CodeNotMonotonic        Code = "not_monotonic"
	CodeBandGap             Code = "band_gap"
	CodeValueZeroNotInstall Code = "value_zero_not_install"
	CodeCoarseMixesPayers   Code = "coarse_mixes_payers"
	CodeCoarseMissing       Code = "coarse_missing"
	CodeMoreThanFiveEvents  Code = "more_than_five_events"
	CodeOpenBandWithoutMean Code = "open_band_without_mean"
	CodeLockShortensSignal  Code = "lock_shortens_signal"
	CodeUnusedValues        Code = "unused_values"
	CodeLayoutDiffers       Code = "layout_differs" // the table was edited by hand since the model wrote it

	// CodeFormatEventLimit is found where a document is written in another format:
	// that format holds fewer events in a value.
	CodeFormatEventLimit Code = "format_event_limit"
)

// Finding is one thing that is wrong, where, and what to do about it.
type Finding struct {
	Code    Code   `json:"code"`
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901) into the text; "" is the whole
	Message string `json:"message"` // one line: what is wrong; what to do
}

// Report is the answer of a check. OK means no errors; warnings do not count.
type Report struct {
	OK       bool      `json:"ok"`
	Errors   []Finding `json:"errors"`
	Warnings []Finding `json:"warnings"`
}

func (r *Report) fail(code Code, pointer, message string) {
	r.Errors = append(r.Errors, Finding{code, pointer, message})
}

func (r *Report) warn(code Code, pointer, message string) {
	r.Warnings = append(r.Warnings, Finding{code, pointer, message})
}
