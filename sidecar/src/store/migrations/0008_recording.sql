-- Recordings of calls with agents.
ALTER TABLE outdial.campaigns ADD COLUMN recording text
  CONSTRAINT campaigns_recording_check CHECK (
    length(recording) BETWEEN 1 AND 80
    AND recording ~ '^([A-Za-z0-9_./-]|\{(agent|attempt|campaign|date|lead|leg|number|time)\})+$'
    AND recording LIKE '%{attempt}%' AND recording NOT LIKE '/%' AND recording NOT LIKE '%..%');
COMMENT ON COLUMN outdial.campaigns.recording IS
  'Name pattern, {date}/{campaign}-{attempt}.wav for example; date and time of the answer in UTC. NULL: not recorded';
ALTER TABLE outdial.attempts ADD COLUMN recording text;
COMMENT ON COLUMN outdial.attempts.recording IS 'Path, relative to the PBX''s folder for recordings';
