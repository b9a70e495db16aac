-- What people look for among many. These indexes hold few rows, and what is asked
-- of a row beside its place stands in them.

-- +goose Up

DROP INDEX requests_failed;
CREATE INDEX requests_failed ON requests (account_id, seq, error_code) WHERE failed;
CREATE INDEX requests_failed_all ON requests (seq, error_code) WHERE failed;

DROP INDEX deliveries_bad_all;
CREATE INDEX deliveries_bad_all ON deliveries (id, status) WHERE status IN ('dead', 'failing');
