package bridge

// TakeSurvey reads what of an account is in motion, at one point in the order of
// the commits: what is committed before is in it, what comes after is heard as
// Changes.
type TakeSurvey struct {
	AccountID int64

	Survey  Survey   // the result
	Account *Account // nil if there is none
}

// Needs implements [Command].
func (m *TakeSurvey) Needs() Needs { return Needs{AccountID: m.AccountID, Survey: true} }

// Decide implements [Command].
func (m *TakeSurvey) Decide(f *Facts) (*Changes, error) {
	m.Survey, m.Account = f.Survey, f.Account
	return &Changes{Now: f.Now}, nil
}
