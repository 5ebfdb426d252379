-- What agents know: a lead that asks for a skill goes to who has it, the best first.
CREATE FUNCTION outdial.are_skills(skills jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$
SELECT CASE WHEN jsonb_typeof(skills) <> 'object' THEN false ELSE coalesce((
  SELECT count(*) <= 100 AND bool_and(outdial.is_name(s.key)
    AND CASE WHEN jsonb_typeof(s.value) = 'number'
      THEN (s.value #>> '{}')::numeric BETWEEN 1 AND 10
       AND (s.value #>> '{}')::numeric = trunc((s.value #>> '{}')::numeric)
      ELSE false END)
  FROM jsonb_each(skills) AS s), true) END
$$;

ALTER TABLE outdial.agents ADD COLUMN skills jsonb NOT NULL DEFAULT '{}'
  CONSTRAINT agents_skills_check CHECK (outdial.are_skills(skills));
COMMENT ON COLUMN outdial.agents.skills IS '{"german": 8}: from 1 to 10, the best';
