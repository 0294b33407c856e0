//! The nine commands an agent can be sent to do.

/// One of the nine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// Writes `project-context.md`.
    GenerateProjectContext,
    /// Writes the stories' files.
    CreateStory,
    /// Looks through the project for what the stories need to know.
    CreateStoryDiscovery,
    /// Reviews the stories' files.
    StoryReview,
    /// Writes the tech specs.
    CreateTechSpec,
    /// Reviews the tech specs.
    TechSpecReview,
    /// Develops a story.
    DevStory,
    /// Reviews a story's code.
    CodeReview,
    /// Commits the finished stories.
    Commit,
}

/// Which groups of files a command is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // a row of a table
pub struct Groups {
    /// `sprint-project-context.md`.
    pub project_context: bool,
    /// The stories' own files.
    pub story: bool,
    /// What discovery found.
    pub discovery: bool,
    /// The tech specs.
    pub tech_spec: bool,
    /// The output of `git status`.
    pub git_status: bool,
}

impl Command {
    /// All of them, in the order in which they happen.
    pub const ALL: [Self; 9] = [
        Self::GenerateProjectContext,
        Self::CreateStory,
        Self::CreateStoryDiscovery,
        Self::StoryReview,
        Self::CreateTechSpec,
        Self::TechSpecReview,
        Self::DevStory,
        Self::CodeReview,
        Self::Commit,
    ];

    /// The name that the agent knows: `sprint-create-story`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GenerateProjectContext => "generate-project-context",
            Self::CreateStory => "sprint-create-story",
            Self::CreateStoryDiscovery => "sprint-create-story-discovery",
            Self::StoryReview => "sprint-story-review",
            Self::CreateTechSpec => "sprint-create-tech-spec",
            Self::TechSpecReview => "sprint-tech-spec-review",
            Self::DevStory => "sprint-dev-story",
            Self::CodeReview => "sprint-code-review",
            Self::Commit => "sprint-commit",
        }
    }

    /// The name as rows of the log write it, without `sprint-` and without attempt.
    pub const fn row_name(self) -> &'static str {
        match self {
            Self::GenerateProjectContext => "generate-project-context",
            Self::CreateStory => "create-story",
            Self::CreateStoryDiscovery => "create-story-discovery",
            Self::StoryReview => "story-review",
            Self::CreateTechSpec => "create-tech-spec",
            Self::TechSpecReview => "tech-spec-review",
            Self::DevStory => "dev-story",
            Self::CodeReview => "code-review",
            Self::Commit => "commit",
        }
    }

    /// Reads [`Self::name`] back.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// Whether its runs are counted: its rows carry the attempt (`code-review-2`).
    pub const fn is_review(self) -> bool {
        matches!(self, Self::StoryReview | Self::TechSpecReview | Self::CodeReview)
    }

    /// Whether it is done story by story; else for all stories of the cycle at once.
    pub const fn is_story_by_story(self) -> bool {
        matches!(self, Self::DevStory | Self::CodeReview)
    }

    /// Whether the small model does it on the main line.
    pub fn is_for_small_model(self, attempt: Option<u32>, small_from_review: u32) -> bool {
        self == Self::CodeReview && attempt.is_some_and(|attempt| attempt >= small_from_review)
    }

    /// Which files it is given: the one table of this kind.
    pub const fn groups(self) -> Groups {
        const NONE: Groups = Groups {
            project_context: false,
            story: false,
            discovery: false,
            tech_spec: false,
            git_status: false,
        };
        match self {
            Self::GenerateProjectContext => NONE,
            Self::CreateStory | Self::CreateStoryDiscovery => {
                Groups { project_context: true, ..NONE }
            }
            Self::StoryReview | Self::CreateTechSpec => {
                Groups { project_context: true, story: true, discovery: true, ..NONE }
            }
            Self::TechSpecReview | Self::DevStory | Self::CodeReview => Groups {
                project_context: true,
                story: true,
                discovery: true,
                tech_spec: true,
                ..NONE
            },
            Self::Commit => Groups { story: true, git_status: true, ..NONE },
        }
    }
}
