package pages

import "time"

// Schemas is the list of apps with what their conversion values mean now.
type Schemas struct {
	Now  time.Time
	Apps []SchemaApp
	More int
	May  bool // the reader edits
}

// SchemaApp is an app with its versions and drafts.
type SchemaApp struct {
	ID         int64
	Name, Link string
	Live, Next *SchemaVersion
	Unsettled  string // what is ambiguous until when; "" nothing is
	Drafts     []SchemaDraft
	Broken     bool // it could not be read
}

// SchemaVersion is a published version.
type SchemaVersion struct {
	Number        int
	Name, Link    string
	From          time.Time
	Published     time.Time
	By, Why       string
	CopyOf        int // rolled back from; 0: none
	State         string
	Live, Waiting bool
}

// SchemaDraft is a draft in a list.
type SchemaDraft struct {
	ID, Link, Note, By string
	Updated            time.Time
	BasedOn, Revision  int
	Behind             bool // a version was published since
}

// SchemaHome is all there is of one app's schemas.
type SchemaHome struct {
	Now      time.Time
	App      SchemaApp
	Effects  []SchemaEffect // of the newest version, while some of it is not certain
	Of       int            // the version they are of
	Versions []SchemaVersion
	Older    string // link to older versions
	Exports  []Choice
	Starts   []Option // what a draft can begin from
	Formats  []Option
	Imported *SchemaImport
	Notice   *Notice
	May      bool
	Empty    *Empty
}

// SchemaEffect is what a version does to the postbacks of a window.
type SchemaEffect struct {
	What                  string
	OldUntil, Clear, Sure time.Time
	State, Tone           string // now
}

// SchemaImport is what became of a file.
type SchemaImport struct {
	Format, Link string
	Lost         []Place
}

// Place is something said of a place in a file or document.
type Place struct{ Where, Says, Code string }

// Notice is the answer to a form.
type Notice struct {
	Tone  string // good, alert
	Says  string
	Items []Place
}

// SchemaEditor is a draft, or a version, cell by cell.
type SchemaEditor struct {
	App      int64
	AppLink  string
	Title    string
	Draft    *SchemaDraft   // nil: a version
	Version  *SchemaVersion // nil: a draft
	May      bool           // the reader edits it
	Values   [][]SchemaCell // eight rows of eight
	Windows  []SchemaWindow
	Errors   []Place
	Warnings []Place
	Changes  []string // from the version it is compared with
	Against  int
	Document string // pretty JSON
	Effects  []SchemaEffect
	Exports  []Choice
	Data     any // what the script works on
	Notice   *Notice
	Now      time.Time
}

// SchemaCell is what a fine value means.
type SchemaCell struct {
	Value       int
	Kind, Words string // mapped, reserved, free
}

// SchemaWindow is the coarse side of a window.
type SchemaWindow struct {
	Name   string
	Levels []Place
	Lock   string
}
