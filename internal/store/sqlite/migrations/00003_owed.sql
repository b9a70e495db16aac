-- What is owed lies in two indexes. A claim takes it out of the large one, in which
-- each endpoint's part lies apart, into the small one: so the record of its try,
-- which comes with those of other endpoints, touches few pages. Lists of what is
-- owed read both.

-- +goose Up

DROP INDEX deliveries_waiting;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at, id) WHERE due_at IS NOT NULL AND claimed_until IS NULL;
CREATE INDEX deliveries_claimed ON deliveries (endpoint_id, due_at, id) WHERE due_at IS NOT NULL AND claimed_until IS NOT NULL;
