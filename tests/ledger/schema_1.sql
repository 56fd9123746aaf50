BEGIN TRANSACTION;
CREATE TABLE attempts (
	attempt_id VARCHAR NOT NULL, 
	campaign VARCHAR NOT NULL, 
	phone VARCHAR NOT NULL, 
	attempt_no INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	conversation_id VARCHAR, 
	claimed_at VARCHAR NOT NULL, 
	started_at VARCHAR, 
	ended_at VARCHAR, 
	disposition VARCHAR, 
	error VARCHAR, 
	error_category VARCHAR, 
	duration_s FLOAT, 
	cost_usd FLOAT, 
	summary TEXT, 
	collected JSON, 
	evidence JSON, 
	looked_up INTEGER NOT NULL, 
	last_looked_at VARCHAR, 
	resolved_by VARCHAR, 
	note VARCHAR, 
	PRIMARY KEY (attempt_id), 
	UNIQUE (conversation_id)
);
INSERT INTO "attempts" VALUES('ca_ykpnbscrwgdtf37zkgpccwijy2','spring','+12025550100',1,'completed','run_1','conv_0','2026-11-23T15:00:00.000000+00:00','2026-11-23T15:00:00.000000+00:00','2026-11-23T15:00:00.000000+00:00','answered',NULL,NULL,42.0,0.07,'','{}','{"zone": "x"}',0,NULL,NULL,NULL);
INSERT INTO "attempts" VALUES('ca_e43e52kwurkx6kxec3v2ftqu5z','spring','+12025550101',1,'placed','run_1','conv_1','2026-11-23T15:00:00.000000+00:00','2026-11-23T15:00:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"zone": "x"}',0,NULL,NULL,NULL);
INSERT INTO "attempts" VALUES('ca_mgqdyzqigrqai5tu2wxpdejkyi','spring','+12025550102',1,'dialing','run_1',NULL,'2026-11-23T15:00:00.000000+00:00','2026-11-23T15:00:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"zone": "x"}',0,NULL,NULL,NULL);
CREATE TABLE campaigns (
	campaign VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	PRIMARY KEY (campaign)
);
INSERT INTO "campaigns" VALUES('spring','2026-11-23T15:00:00.000000+00:00','spring.csv');
CREATE TABLE contacts (
	campaign VARCHAR NOT NULL, 
	phone VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	timezone VARCHAR NOT NULL, 
	consent BOOLEAN, 
	variables JSON NOT NULL, 
	line INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	due_at VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	is_transient BOOLEAN NOT NULL, 
	disposition VARCHAR, 
	PRIMARY KEY (campaign, phone)
);
INSERT INTO "contacts" VALUES('spring','+12025550100','c0','Ann','','','',NULL,'{}',2,1,'completed','','answered',0,'answered');
INSERT INTO "contacts" VALUES('spring','+12025550101','c1','Ann','','','',NULL,'{}',3,2,'in_progress','','',0,NULL);
INSERT INTO "contacts" VALUES('spring','+12025550102','c2','Ann','','','',NULL,'{}',4,3,'in_progress','','',0,NULL);
INSERT INTO "contacts" VALUES('spring','+12025550103','c3','Ann','','','',NULL,'{}',5,4,'pending','','',0,NULL);
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	destination VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	payload JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	next_at VARCHAR, 
	tries INTEGER NOT NULL, 
	last_error VARCHAR, 
	PRIMARY KEY (id), 
	UNIQUE (destination, "key")
);
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','1');
INSERT INTO "meta" VALUES('workspace','d264e81834844afd96cd8754d6118189');
CREATE TABLE rejected (
	campaign VARCHAR NOT NULL, 
	no INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	column_name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	fix VARCHAR NOT NULL, 
	PRIMARY KEY (campaign, no)
);
CREATE TABLE runs (
	run_id VARCHAR NOT NULL, 
	campaign VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	pid INTEGER NOT NULL, 
	started_at VARCHAR NOT NULL, 
	heartbeat_at VARCHAR NOT NULL, 
	ended_at VARCHAR, 
	exit_status INTEGER, 
	PRIMARY KEY (run_id)
);
CREATE INDEX contacts_by_state ON contacts (campaign, state);
CREATE INDEX contacts_by_id ON contacts (campaign, id);
CREATE INDEX contacts_due ON contacts (campaign, due_at, position) WHERE state IN ('pending', 'held', 'deferred');
CREATE INDEX attempts_by_contact ON attempts (campaign, phone);
CREATE INDEX attempts_open ON attempts (campaign, state) WHERE state IN ('claimed', 'dialing', 'placed', 'unknown');
CREATE UNIQUE INDEX one_open_attempt_per_number ON attempts (phone) WHERE state IN ('claimed', 'dialing', 'placed', 'unknown');
CREATE INDEX attempts_by_phone ON attempts (phone, started_at);
CREATE INDEX messages_by_state ON messages (state, destination, id);
CREATE TRIGGER attempts_begin_claimed BEFORE INSERT ON attempts
    WHEN NEW.state NOT IN ('claimed', 'unknown')
    BEGIN SELECT RAISE(ABORT, 'an attempt begins claimed'); END;
CREATE TRIGGER attempts_move_legally BEFORE UPDATE OF state ON attempts
    WHEN OLD.state <> NEW.state AND NOT ((OLD.state = 'claimed' AND NEW.state IN ('dialing', 'released')) OR (OLD.state = 'dialing' AND NEW.state IN ('placed', 'refused', 'unknown')) OR (OLD.state = 'placed' AND NEW.state IN ('completed')) OR (OLD.state = 'unknown' AND NEW.state IN ('completed', 'placed', 'refused')))
    BEGIN SELECT RAISE(ABORT, 'no such move of an attempt'); END;
CREATE TRIGGER attempts_end_once BEFORE UPDATE ON attempts
    WHEN OLD.state IN ('completed', 'refused', 'released')
    BEGIN SELECT RAISE(ABORT, 'an attempt ends once'); END;
CREATE TRIGGER attempts_keep_identity BEFORE UPDATE OF attempt_id, campaign, phone ON attempts
    WHEN OLD.attempt_id <> NEW.attempt_id OR OLD.phone <> NEW.phone OR OLD.campaign <> NEW.campaign
    BEGIN SELECT RAISE(ABORT, 'an attempt keeps its identity'); END;
CREATE TRIGGER attempts_stay BEFORE DELETE ON attempts
    BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;
CREATE TRIGGER contacts_in_doubt_wait BEFORE UPDATE OF state ON contacts
    WHEN NEW.state IN ('pending', 'deferred', 'held')
      AND EXISTS (SELECT 1 FROM attempts a WHERE a.campaign = OLD.campaign
                  AND a.phone = OLD.phone AND a.state IN ('dialing', 'placed', 'unknown'))
    BEGIN SELECT RAISE(ABORT, 'a contact with an open call is not dialable'); END;
COMMIT;
