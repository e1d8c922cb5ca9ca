-- The three-letter pieces of the words of the vocabulary: what holds some letters, or comes near, is found by equality.
CREATE TABLE pieces (
  tenant_id text NOT NULL,
  piece text COLLATE "C" NOT NULL,
  word text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, piece, word)
);
