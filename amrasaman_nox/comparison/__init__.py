"""How two wheels or sdists differ, member by member, by kind of content."""
